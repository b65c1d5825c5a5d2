"""Crops for CLIP, and its image side with the last layer's view restricted to the object."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.config import TextConfig
from segmenter.text import NoTextPrompts
from segmenter.training.clip_crops import (
    Crop,
    ImageSide,
    crop,
    large_enough,
    load_image_side,
    patches_inside,
)
from tests.segmenter.test_text import DIM, write_clip

PLAIN = TextConfig(blacked_share=0)


def scene(height: int = 60, width: int = 90) -> tuple[np.ndarray, np.ndarray]:
    picture, mask = np.full((height, width, 3), 90, np.uint8), np.zeros((height, width), bool)
    mask[20:36, 30:70] = True
    picture[mask] = 210
    return picture, mask


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ImageSide:
    return load_image_side(write_clip(tmp_path_factory.mktemp("clip") / "tiny"))


def test_small_objects_are_left_out() -> None:
    mask = np.zeros((1024, 700), bool)
    mask[:100, :99] = True
    assert not large_enough(mask, TextConfig())
    mask[:100, :100] = True
    assert large_enough(mask, TextConfig())


@pytest.mark.parametrize("side", [24, 160])
def test_the_crop_is_a_square_around_the_object_and_keeps_its_shape(side: int) -> None:
    picture, mask = scene()
    around = crop(picture, mask, side, replace(PLAIN, largest_context=1), random.Random(0))
    assert around.picture.shape == (side, side, 3) and around.covered.shape == (side, side)
    inside = around.covered > 0.5
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert len(columns) >= side - 1, "the longer side of the box fills the crop"
    assert abs(len(rows) - 16 / 40 * side) <= 1.5, "the other in proportion"
    assert abs(rows.mean() - (side - 1) / 2) <= 0.6 and abs(columns.mean() - (side - 1) / 2) <= 0.6
    core = around.covered > 0.99
    assert (around.picture[core] > 200).all() and (around.picture[around.covered < 0.01] < 95).all()


def test_context_is_drawn_between_once_and_twice_the_box() -> None:
    picture, mask = scene()
    rng, shares = random.Random(1), []
    for _ in range(60):
        covered = crop(picture, mask, 100, PLAIN, rng).covered > 0.5
        shares.append(covered.any(0).sum() / 100)
    assert 0.48 < min(shares) < 0.56 and 0.9 < max(shares) <= 1


def test_half_of_the_crops_are_black_around_the_object() -> None:
    picture, mask = scene()
    rng = random.Random(2)
    crops = [crop(picture, mask, 32, TextConfig(), rng) for _ in range(200)]
    blacked = [not one.picture[one.covered == 0].any() for one in crops]
    assert 75 < sum(blacked) < 125
    one = crops[blacked.index(True)]
    assert (one.picture[one.covered == 1] > 200).all()


def test_beyond_the_picture_everything_is_black() -> None:
    picture, mask = np.full((40, 40, 3), 200, np.uint8), np.zeros((40, 40), bool)
    mask[:20, :20] = True
    twice = replace(PLAIN, largest_context=2)
    corner = next(
        c
        for c in (crop(picture, mask, 40, twice, random.Random(seed)) for seed in range(50))
        if not c.picture[2, 2].any()
    )
    assert not corner.picture[:2].any() and (corner.picture[20, 20] == 200).all()
    assert corner.covered[:2].max() == 0


def test_patches_of_the_object_and_always_one() -> None:
    covered = torch.zeros(2, 8, 8)
    covered[0, :4, :5] = 1
    covered[1, 6, 6] = 0.2
    inside = patches_inside(covered, 2)
    assert inside.tolist() == [[True, True, False, False], [False, False, False, True]]


def test_the_read_out_depends_on_the_object_alone_in_the_last_layer(clip: ImageSide) -> None:
    assert (clip.dim, clip.side, clip.grid) == (DIM, 8, 2)
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 255, (8, 8, 3), np.uint8)
    covered = np.zeros((8, 8), np.float32)
    covered[:4, :4] = 1
    elsewhere = picture.copy()
    elsewhere[4:, 4:] = 255 - elsewhere[4:, 4:]
    whole = np.ones((8, 8), np.float32)
    here, there, all_here, all_there = clip.embed(
        [Crop(picture, covered), Crop(elsewhere, covered), Crop(picture, whole), Crop(elsewhere, whole)]
    )
    torch.testing.assert_close(here.norm(), torch.tensor(1.0))
    # The tiny tower has one layer, the last: what is outside the mask cannot reach the token at all.
    torch.testing.assert_close(here, there)
    assert (all_here - all_there).abs().max() > 1e-3 and (here - all_here).abs().max() > 1e-3


def test_without_a_restriction_it_is_the_librarys_own_embedding(
    clip: ImageSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(1)
    picture = generator.integers(0, 255, (8, 8, 3), np.uint8)
    values = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    pixels = (values - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    seen: list[torch.Tensor] = []
    last = clip.tower.vision_model.encoder.layers[-1]
    monkeypatch.setattr(last, "forward", lambda tokens, mask, run=last.forward: seen.append(mask) or run(tokens, None))
    ours = clip.embed([Crop(picture, np.ones((8, 8), np.float32))])
    monkeypatch.undo()
    with torch.no_grad():
        theirs = torch.nn.functional.normalize(clip.tower(pixel_values=pixels).image_embeds)
    torch.testing.assert_close(ours, theirs)
    assert seen[0].shape == (1, 1, 5, 5) and bool(torch.isneginf(seen[0][0, 0, 0, 0]))


def test_a_folder_with_only_the_text_side_is_refused(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="text prompts are an extra: pip install 'maskmill[text]'")
    whole = write_clip(tmp_path / "clip")
    text = transformers.CLIPTextModelWithProjection.from_pretrained(whole, local_files_only=True)
    text.save_pretrained(tmp_path / "text")
    with pytest.raises(NoTextPrompts, match="no image side in it"):
        load_image_side(tmp_path / "text")
    with pytest.raises(NoTextPrompts, match=r"config\.json.*missing.*hf download"):
        load_image_side(tmp_path)
