"""Masked autoencoding: which patches are hidden, what the loss counts, and that the encoder is the model's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from segmenter.config import ModelConfig, PretrainConfig, SamConfig
from segmenter.modeling.image_encoder import Block, ImageEncoder
from segmenter.training.masked_pixels import (
    MaskedAutoencoder,
    attend,
    draw_kept,
    hidden_cells,
    masked_loss,
    sine_positions,
    start_encoder,
    to_patches,
)

VIT = ModelConfig(
    family="sam",
    frame=64,
    logits=32,
    sam=SamConfig(
        *(16, 2, 2, (1,)), patch_size=8, window_size=4, prompt_dim=16, decoder_mlp_dim=32, iou_head_hidden=16
    ),
)
SMALL = PretrainConfig(decoder_width=16, decoder_depth=1, decoder_head_width=8)


def autoencoder() -> MaskedAutoencoder:
    torch.manual_seed(0)
    encoder = ImageEncoder(VIT)
    start_encoder(encoder)
    return MaskedAutoencoder(encoder, SMALL)


def test_patches_are_the_pixels_in_rows() -> None:
    pixels = torch.arange(2 * 3 * 8 * 8).reshape(2, 3, 8, 8).float()
    patches = to_patches(pixels, 4)
    assert patches.shape == (2, 4, 48)
    assert torch.equal(patches[1, 1].reshape(3, 4, 4), pixels[1, :, :4, 4:])


def test_a_quarter_of_the_cells_is_seen_and_each_as_often() -> None:
    kept = draw_kept(4000, 16, 0.75, torch.Generator().manual_seed(0))
    assert kept.shape == (4000, 4) and bool((kept[:, 1:] > kept[:, :-1]).all())
    counts = np.bincount(kept.flatten().numpy(), minlength=16)
    assert counts.min() > 850 and counts.max() < 1150, "about 1000 of 4000 each"
    hidden = hidden_cells(kept, 16)
    assert bool((hidden.sum(1) == 12).all()) and not bool(hidden.gather(1, kept).any())
    assert draw_kept(1, 4, 0.99, torch.Generator()).shape == (1, 1), "something is always seen"


def test_only_hidden_patches_count_each_by_its_own_contrast() -> None:
    torch.manual_seed(0)
    patches = torch.randn(2, 3, 12) * torch.tensor([1.0, 40.0, 0.1])[:, None] + 5
    hidden = torch.tensor([[True, False, True], [False, True, False]])
    mean, deviation = patches.mean(-1, keepdim=True), patches.std(-1, keepdim=True)
    perfect = (patches - mean) / deviation
    wrong_where_seen = torch.where(hidden[..., None], perfect, perfect + 9)
    assert masked_loss(wrong_where_seen, patches, hidden) < 1e-6
    # Zeros miss by the variance itself, whatever the patch's contrast: (P - 1) / P of an unbiased variance of 1.
    assert masked_loss(torch.zeros_like(patches), patches, hidden) == pytest.approx(11 / 12, rel=1e-3)
    assert torch.isfinite(masked_loss(torch.zeros(1, 1, 4), torch.ones(1, 1, 4), torch.ones(1, 1, dtype=torch.bool)))


def test_sine_positions_are_those_of_the_reference() -> None:
    positions = sine_positions(3, 8)
    assert positions.shape == (1, 3, 3, 8)
    x, y = 2, 1
    expected = [np.sin(x), np.sin(x / 100), np.cos(x), np.cos(x / 100)]
    expected += [np.sin(y), np.sin(y / 100), np.cos(y), np.cos(y / 100)]
    np.testing.assert_allclose(positions[0, y, x].numpy(), expected, atol=1e-6)
    with pytest.raises(ValueError, match="multiple of 4"):
        sine_positions(3, 6)


@torch.no_grad()
def test_with_every_patch_seen_a_block_is_the_encoders_own() -> None:
    torch.manual_seed(1)
    block = Block(16, 2, 4.0, window=0, grid=6)
    cells = torch.randn(2, 6, 6, 16)
    torch.testing.assert_close(attend(block, cells.flatten(1, 2)).unflatten(1, (6, 6)), block(cells))


@torch.no_grad()
def test_what_is_hidden_does_not_reach_the_encoder() -> None:
    model = autoencoder()
    pixels = torch.randn(1, 3, 64, 64)
    kept = draw_kept(1, 64, 0.75, torch.Generator().manual_seed(2))
    changed = pixels.clone()
    row, column = divmod(int(hidden_cells(kept, 64)[0].nonzero()[0]), 8)
    changed[:, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] += 3
    assert torch.equal(model.encode(pixels, kept), model.encode(changed, kept))
    assert not torch.equal(model(pixels, kept), model(changed * 0.5, kept))
    row, column = divmod(int(kept[0, 0]), 8)
    changed[:, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] += 3
    assert not torch.allclose(model.encode(pixels, kept), model.encode(changed, kept))


def test_everything_but_neck_and_positions_learns() -> None:
    model = autoencoder()
    kept = draw_kept(2, 64, 0.75, torch.Generator().manual_seed(0))
    model(torch.randn(2, 3, 64, 64), kept).backward()
    silent = {name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()}
    assert silent == {name for name, value in model.named_parameters() if not value.requires_grad}
    assert {name.split(".")[1] for name in silent if ".rel_pos_" not in name} == {"pos_embed", "neck"}


def test_widths_that_no_head_divides_are_refused() -> None:
    with pytest.raises(ValueError, match="width 16 cannot have heads of width 6"):
        MaskedAutoencoder(ImageEncoder(VIT), replace(SMALL, decoder_head_width=6))


def test_the_decoder_is_no_wider_than_the_encoder() -> None:
    assert MaskedAutoencoder(ImageEncoder(VIT), replace(SMALL, decoder_width=512)).to_pixels.in_features == 16
