"""The two steps of inference, judging and drawing, against the model's own single pass."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor

from segmenter import predict
from segmenter.build import Model, build
from segmenter.config import ModelConfig, SamConfig
from segmenter.prompts import Point, Prompt

SMALL_SAM = ModelConfig("sam", 128, 32, sam=SamConfig(64, 2, 2, (1,), window_size=3))
SMALL_STARTER = ModelConfig(frame=64, logits=32)
SIZE = (90, 120)


@pytest.fixture(scope="module", params=[SMALL_SAM, SMALL_STARTER], ids=["sam", "starter"])
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(0)
    made = build(request.param).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))  # nothing is zero or one, as in a trained model
    return made


@pytest.fixture(scope="module")
def embedding(model: Model) -> predict.Embedding:
    return predict.embed(model, np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8))


def near(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= 1e-5 * float(theirs.abs().max())


def prompts(model: Model, batch: int, points: int, with_mask: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Points of every label, box corners and padding among them; the seed is the number of points."""
    generator, side = torch.Generator().manual_seed(points), model.config.logits
    coords = torch.rand(batch, points, 2, generator=generator) * model.config.frame
    labels = torch.randint(-1, 4, (batch, points), generator=generator).float()
    return coords, labels, torch.randn(batch, 1, side, side, generator=generator) * 8 if with_mask else None


@torch.inference_mode()
def plain(
    model: Model, embedding: predict.Embedding, coords: Tensor, labels: Tensor, mask_inputs: Tensor | None
) -> tuple[Tensor, Tensor]:
    batch, side = len(coords), model.config.logits
    given = (torch.zeros(batch, 1, side, side), torch.zeros(batch))
    if mask_inputs is not None:
        given = (mask_inputs, torch.ones(batch))
    return model.decode(embedding.tensors, coords, labels, *given)


# 10 points are the most that the official shape answers by attention through the tokens (15 x 8 heads < 128).
@pytest.mark.parametrize("points", [*range(1, 13), 20])
@pytest.mark.parametrize("with_mask", [False, True], ids=["points", "mask"])
def test_judging_and_drawing_give_what_the_plain_pass_gives(
    model: Model, embedding: predict.Embedding, points: int, with_mask: bool
) -> None:
    given = prompts(model, 3, points, with_mask)
    logits, predicted_iou = plain(model, embedding, *given)
    for fold in (True, False):
        prepared = predict.prepare(model, embedding, fold)
        scored = predict.score(model, prepared, *given)
        near(scored.predicted_iou, predicted_iou)
        near(predict.masks(model, scored, torch.arange(3)), logits)
        near(predict.masks(model, scored, torch.tensor([2, 0])), logits[[2, 0]])
        assert predict.masks(model, scored, torch.tensor([], dtype=torch.int64)).shape == (0, *logits.shape[1:])


def test_images_prepared_side_by_side_do_not_mix_even_among_threads(model: Model) -> None:
    random = np.random.default_rng(1)
    embeddings = [predict.embed(model, random.integers(0, 256, (*SIZE, 3), np.uint8)) for _ in range(3)]
    prepared = [predict.prepare(model, embedding) for embedding in embeddings]
    given = prompts(model, 2, 4, False)

    def answer(index: int) -> Tensor:
        return predict.masks(model, predict.score(model, prepared[index % 3], *given), torch.arange(2))

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(answer, range(9)))
    for index, logits in enumerate(answers):
        near(logits, plain(model, embeddings[index % 3], *given)[0])


def test_one_prompt_at_a_time_or_many_at_once(model: Model, embedding: predict.Embedding) -> None:
    clicks = [Prompt((Point(x, 40.0),)) for x in (20.0, 60.0, 100.0)]
    together = predict.decode(model, embedding, clicks)
    for click, candidates in zip(clicks, together, strict=True):
        alone = predict.decode(model, embedding, [click])[0]
        near(torch.from_numpy(candidates.logits), torch.from_numpy(alone.logits))
        near(torch.from_numpy(candidates.predicted_iou), torch.from_numpy(alone.predicted_iou))
