"""MobileSAM's encoder: what holds for every TinyViT. The reference's numbers are in test_golden_numbers."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from segmenter.build import build
from segmenter.config import MODEL_CONFIGS, ModelConfig, SamConfig, TinyVitConfig
from segmenter.modeling.segmenter import Sam

TINY = SamConfig(encoder="tiny_vit", tiny_vit=TinyVitConfig((8, 16, 16, 32), (1, 1, 1, 1), (2, 2, 4), (3, 5, 3)))
CONFIG = ModelConfig("sam", 128, 32, sam=TINY)


@pytest.fixture
def tiny() -> Sam:
    torch.manual_seed(0)
    model = build(CONFIG)
    assert isinstance(model, Sam)
    return model.eval()


@torch.no_grad()
def test_training_mode_neither_uses_nor_moves_batch_statistics(tiny: Sam) -> None:
    pixels, before = torch.randn(2, 3, 128, 128), {k: v.clone() for k, v in tiny.state_dict().items()}
    expected = tiny.embed(pixels)["image_embeddings"]
    trained = tiny.train().embed(pixels)["image_embeddings"]
    assert torch.equal(expected, trained)
    assert all(torch.equal(before[key], value) for key, value in tiny.state_dict().items())
    assert sum(isinstance(part, nn.BatchNorm2d) for part in tiny.modules()) == 2 + 3 + 3 * 3 + 3


@torch.no_grad()
def test_one_set_of_weights_serves_every_frame(tiny: Sam) -> None:
    larger = build(replace(CONFIG, frame=192, logits=48))
    larger.load_state_dict(tiny.state_dict())
    assert larger.eval().embed(torch.randn(1, 3, 192, 192))["image_embeddings"].shape == (1, 256, 12, 12)


def test_the_official_one_is_named_and_has_no_positions_of_its_own() -> None:
    with torch.device("meta"):
        names = build(MODEL_CONFIGS["vit_t"]).state_dict()
    assert "image_encoder.pos_embed" not in names and "image_encoder.head.weight" in names
