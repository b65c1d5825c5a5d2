"""Decoder training on kept embeddings: the encoder stays what it is, and sees every picture once."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.build import Model, build
from segmenter.checkpoint import load_model, state_digest
from segmenter.config import ModelConfig, SamConfig, TrainConfig
from segmenter.training.batches import Slot
from segmenter.training.embedded import Embedded, Embeddings
from segmenter.training.loop import train, train_step
from segmenter.training.prompting import Prompting, fitting
from segmenter.training.scenes import Sampler, read_scenes
from segmenter.training.state import start
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

TINY_SAM = ModelConfig("sam", 64, 16, sam=SamConfig(32, 2, 2, (1,), window_size=2, prompt_dim=32, decoder_mlp_dim=64))
MODELS = {"starter": TINY, "sam": TINY_SAM}


def model_of(family: str) -> Model:
    torch.manual_seed(0)
    return build(MODELS[family])


def recipe_of(family: str, **changes: object) -> TrainConfig:
    config = TrainConfig(mode="decoder", images_per_step=2, masks_per_image=2, threads=1, embeddings="exact", steps=3)
    return fitting(replace(config, **changes), MODELS[family])  # type: ignore[arg-type]


def calls_of(model: Model) -> list[int]:
    """Grows by one with every pass through the image encoder."""
    seen: list[int] = []
    model.image_encoder.register_forward_hook(lambda *_: seen.append(1))
    return seen


@pytest.mark.parametrize("family", MODELS)
def test_kept_embeddings_teach_what_fresh_ones_teach(tmp_path: Path, family: str) -> None:
    scenes, recipe = read_scenes([write_coco(tmp_path / "x")], None), recipe_of(family)
    seen = []
    for kept in (False, True):
        model = model_of(family)
        rng = random.Random(3)
        source = Sampler(scenes, recipe, rng)
        task, state = Prompting(model, recipe), start(model, recipe)
        for _ in range(3):
            batch = source.batch(2, 2, 64)
            if kept:
                embeddings = Embeddings(tmp_path / "kept", model, "exact")
                batch = replace(batch, embedding=embeddings.of(list(batch.pictures)), pictures=batch.pictures[:, :0])
            seen.append(train_step(task, state, [batch], [rng], recipe))
    for fresh, kept_ones in zip(seen[:3], seen[3:], strict=True):
        assert kept_ones == pytest.approx(fresh, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("family", MODELS)
def test_the_encoder_is_untouched_and_sees_each_picture_once(tmp_path: Path, family: str) -> None:
    scenes, recipe = read_scenes([write_coco(tmp_path / "x")], None), recipe_of(family, steps=6)
    model = model_of(family)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    calls, rng = calls_of(model), random.Random(0)
    embeddings = Embeddings(tmp_path / "kept", model)
    source = Embedded(Sampler(scenes, recipe, rng), embeddings)
    trained = load_model(train(Prompting(model, recipe), [Slot(source, rng)], recipe, tmp_path / "out")).state_dict()
    assert len(calls) == 4, "one pass for each of the four pictures"
    digests = [state_digest(state, "image_encoder.") for state in (before, model.state_dict(), trained)]
    assert digests[0] == digests[1] == digests[2]
    changed = {name.split(".")[0] for name, value in trained.items() if not torch.equal(value, before[name])}
    assert "mask_decoder" in changed and "image_encoder" not in changed
    again = Embeddings(tmp_path / "kept", model)
    picture = source.source.batch(1, 1, 64).pictures
    again.of(list(picture))
    assert len(calls) == 4, "another run finds them"


def test_half_embeddings_take_half_the_disk_and_are_near(tmp_path: Path) -> None:
    model, picture = model_of("sam"), np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    half, exact = (Embeddings(tmp_path, model, kept) for kept in ("half", "exact"))
    near, full = half.of([picture])["image_embeddings"], exact.of([picture])["image_embeddings"]
    assert near.dtype == torch.float16 and torch.equal(near, full.half())
    sizes = [next(embeddings.folder.iterdir()).stat().st_size for embeddings in (half, exact)]
    assert sizes[0] < 0.6 * sizes[1]


def test_a_damaged_file_is_made_again_and_another_encoder_has_its_own(tmp_path: Path) -> None:
    model, picture = model_of("sam"), np.zeros((64, 64, 3), np.uint8)
    embeddings = Embeddings(tmp_path, model, "exact")
    whole = embeddings.of([picture])["image_embeddings"]
    (file,) = embeddings.folder.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert torch.equal(embeddings.of([picture])["image_embeddings"], whole)
    torch.manual_seed(1)
    assert Embeddings(tmp_path, build(TINY_SAM), "exact").folder != embeddings.folder


def test_a_disk_without_room_is_told_after_the_first_picture(tmp_path: Path) -> None:
    embeddings = Embeddings(tmp_path, model_of("sam"), "exact")
    pictures = (np.full((64, 64, 3), shade, np.uint8) for shade in range(3))
    with pytest.raises(OSError, match=r"has room for \d+ of \d+ MiB of embeddings"):
        embeddings.make(pictures, 10**12)
    assert len(list(embeddings.folder.iterdir())) == 1
