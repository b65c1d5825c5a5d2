"""The starter model: shapes, prompts, and the promises of its interface."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segmenter.build import build
from segmenter.config import MODEL_CONFIGS, ModelConfig, StarterConfig, model_config, to_dict
from segmenter.modeling.starter import Starter, empty_mask_input
from segmenter.modeling.starter_decoder import NARROW, Prompts
from segmenter.predict import Candidates, answer, choose, decode, embed
from segmenter.prompts import Box, Point, Prompt
from tests.segmenter.golden import read

TINY = ModelConfig(frame=64, logits=32, starter=StarterConfig((8, 16, 16, 32), (1, 1, 1), 1, 32, 2, 2))


@pytest.fixture(scope="module")
def tiny() -> Starter:
    torch.manual_seed(0)
    model = build(TINY).eval()
    assert isinstance(model, Starter)
    return model


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 80, 3), np.uint8)


def test_configs_survive_json() -> None:
    for config in MODEL_CONFIGS.values():
        assert model_config(to_dict(config)) == config


def test_a_frame_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        build(ModelConfig(frame=250, logits=125))


def test_embedding_levels_are_named_by_their_stride(tiny: Starter) -> None:
    levels = tiny.embed(torch.zeros(2, 3, 64, 64))
    assert {name: tuple(level.shape) for name, level in levels.items()} == {
        "level_16": (2, 32, 4, 4),
        "level_8": (2, 64, 8, 8),
        "level_4": (2, 32, 16, 16),
        "level_2": (2, 16, 32, 32),
    }


def test_padding_points_change_nothing_where_they_lie(tiny: Starter) -> None:
    embedding = tiny.embed(torch.randn(1, 3, 64, 64))
    labels = torch.tensor([[1.0, -1.0]])
    masks = empty_mask_input(1, 32)
    with torch.inference_mode():
        here = tiny.decode(embedding, torch.tensor([[[20.0, 30.0], [0.0, 0.0]]]), labels, *masks)
        there = tiny.decode(embedding, torch.tensor([[[20.0, 30.0], [50.0, 9.0]]]), labels, *masks)
    assert torch.equal(here[0], there[0]) and torch.equal(here[1], there[1])


def test_one_embedding_serves_many_prompts_alike(tiny: Starter, picture: np.ndarray) -> None:
    embedding = embed(tiny, picture)
    prompts = [Prompt((Point(10, 10),)), Prompt((Point(70, 40),))]
    together = decode(tiny, embedding, prompts)
    alone = [decode(tiny, embedding, [prompt])[0] for prompt in prompts]
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one.logits - other.logits).max() < 1e-4


def test_image_index_picks_the_image(tiny: Starter) -> None:
    embedding = tiny.embed(torch.randn(2, 3, 64, 64))
    second = {name: level[1:] for name, level in embedding.items()}
    coords, labels = torch.tensor([[[9.0, 9.0], [0.0, 0.0]]]), torch.tensor([[1.0, -1.0]])
    with torch.inference_mode():
        picked = tiny.judge(tiny.prepare(embedding), coords, labels, image_index=torch.tensor([1]))
        given = tiny.decode(second, coords, labels, *empty_mask_input(1, 32))
    assert torch.allclose(picked.logits, given[0], atol=1e-5)


def test_click_maps_peak_at_the_click_and_the_box_map_inside_the_box() -> None:
    unit = torch.tensor([[[0.75, 0.25], [0.25, 0.5], [0.75, 1.0]]])
    prompts = Prompts(unit, torch.tensor([[1.0, 2.0, 3.0]]), torch.zeros(1, 1, 8, 8), torch.zeros(1))
    positive, negative = prompts.clicks((40, 40), NARROW)[0]
    row, column = np.unravel_index(int(positive.argmax()), (40, 40))
    assert abs(row - 9.5) <= 0.5 and abs(column - 29.5) <= 0.5 and negative.max() == 0
    box = prompts.box((40, 40))[0, 0]
    assert box[30, 20] > 0.9 and box[5, 20] < 0.1 and box[30, 35] < 0.1


def test_likeness_is_one_where_the_click_is() -> None:
    features = torch.nn.functional.normalize(torch.randn(1, 6, 10, 10), dim=1)
    unit = torch.tensor([[[0.35, 0.55]]])  # the centre of cell (row 5, column 3)
    prompts = Prompts(unit, torch.tensor([[1.0]]), torch.zeros(1, 1, 10, 10), torch.zeros(1))
    alike, unlike = prompts.likeness(features)[0]
    assert alike[5, 3] == pytest.approx(1, abs=1e-4) and alike.argmax() == 53 and (unlike == -1).all()


@pytest.mark.parametrize("case", read("choice.json")["cases"], ids=lambda case: case["name"])
def test_the_default_candidate(case: dict) -> None:
    count = case["points"] + case["boxes"] + case["mask"]
    assert choose(case["iou"], count) == case["chosen"]
    scores = np.array(case["iou"], np.float32)
    assert Candidates(np.zeros((4, 2, 2), np.float32), scores, 0, (2, 2), 2).ranked == case["ranked"]


def test_an_answer_replays_the_clicks_with_the_mask_shown_before(tiny: Starter, picture: np.ndarray) -> None:
    embedding = embed(tiny, picture)
    first = decode(tiny, embedding, [Prompt((Point(10, 10),))])[0]
    shown = first.logits[first.chosen][None]
    both = Prompt((Point(10, 10), Point(60, 20, 0)))
    second = decode(tiny, embedding, [both], shown)[0]
    assert np.array_equal(answer(tiny, embedding, both).logits, second.logits) and second.chosen == 0
    boxed = answer(tiny, embedding, Prompt((), Box(5, 5, 40, 40)))
    assert boxed.chosen in (1, 2, 3) and boxed.mask(boxed.chosen).shape == (50, 80)
