"""The optimiser's parts: who learns how fast, schedules, and what the noise of large models leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from segmenter.build import build
from segmenter.config import MODEL_CONFIGS, TRAIN_PRESETS, ModelConfig, SamConfig, TinyVitConfig, TrainConfig
from segmenter.modeling.common import Dropout, DropPath
from segmenter.training.optimiser import (
    freeze,
    grad_scaler,
    layer_scales,
    learning_rate,
    optimiser,
    set_learning_rate,
    start_average,
    update_average,
)
from segmenter.training.regularise import regularise
from tests.segmenter.test_embedded import TINY_SAM
from tests.segmenter.test_starter import TINY

PAPER = TRAIN_PRESETS["paper"]


def test_the_learning_rate_warms_up_and_fades() -> None:
    recipe = TrainConfig(learning_rate=1.0, warmup_share=0.1)
    rates = [learning_rate(progress, 0, recipe) for progress in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] and rates[4] < 1e-5


def test_the_papers_learning_rate() -> None:
    steps = (0, 124, 249, 59_999, 60_000, 86_665, 86_666, 89_999)
    rates = [learning_rate(step / 90_000, step, PAPER) for step in steps]
    assert rates == pytest.approx([8e-4 / 250, 4e-4, 8e-4, 8e-4, 8e-5, 8e-5, 8e-6, 8e-6])


def test_the_papers_recipe() -> None:
    assert (PAPER.steps, PAPER.betas, PAPER.weight_decay, PAPER.warmup_steps) == (90_000, (0.9, 0.999), 0.1, 250)
    assert (PAPER.layer_decay, PAPER.drop_path, PAPER.masks_per_image, PAPER.box_share) == (0.8, 0.4, 64, 0.5)
    assert (PAPER.focal_weight, PAPER.dice_weight, PAPER.iou_weight) == (20.0, 1.0, 1.0)
    smaller, large = TRAIN_PRESETS["paper_vit_b"], TRAIN_PRESETS["paper_vit_l"]
    assert (smaller.steps, smaller.learning_rate, smaller.layer_decay, smaller.drop_path) == (180_000, 8e-4, 0.6, 0.6)
    assert (large.steps, large.learning_rate, large.layer_decay, large.drop_path) == (180_000, 4e-4, 0.8, 0.4)


def test_rates_fall_from_the_output_of_a_vit_to_its_pixels() -> None:
    scales = layer_scales(build(TINY_SAM), 0.5)
    assert scales["image_encoder.pos_embed"] == scales["image_encoder.patch_embed.proj.weight"] == 0.125
    assert scales["image_encoder.blocks.0.attn.qkv.weight"] == 0.25
    assert scales["image_encoder.blocks.1.norm1.bias"] == 0.5
    assert scales["image_encoder.neck.0.weight"] == scales["mask_decoder.iou_token.weight"] == 1


def test_rates_fall_through_the_stages_of_a_tiny_vit() -> None:
    tiny = TinyVitConfig((8, 8, 16, 16), (1, 1, 2, 1), (2, 2, 2), (2, 2, 2))
    model = build(ModelConfig("sam", 64, 16, sam=SamConfig(encoder="tiny_vit", prompt_dim=32, tiny_vit=tiny)))
    scales = layer_scales(model, 0.5)
    stages = [
        scales[f"image_encoder.layers.{place}.mlp.fc1.weight"] for place in ("1.blocks.0", "2.blocks.0", "2.blocks.1")
    ]
    assert stages == [0.5**4, 0.5**3, 0.5**2]
    assert scales["image_encoder.patch_embed.seq.0.c.weight"] == 0.5**6
    assert scales["image_encoder.layers.0.downsample.conv1.c.weight"] == 0.5**5, "with the block before it"
    assert scales["image_encoder.neck.0.weight"] == 1


def test_only_matrices_decay_and_every_group_keeps_its_share_of_the_rate() -> None:
    model = build(TINY_SAM)
    freeze(model.prompt_encoder.parameters())
    optimizer = optimiser(model, replace(PAPER, layer_decay=0.5))
    set_learning_rate(optimizer, 1.0)
    found: dict[Tensor, tuple[float, float]] = {
        parameter: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert found[model.image_encoder.get_parameter("blocks.1.mlp.lin1.weight")] == (0.5, 0.1)
    assert found[model.image_encoder.get_parameter("blocks.1.mlp.lin1.bias")] == (0.5, 0.0)
    assert not set(model.prompt_encoder.parameters()) & set(found)
    freeze(model.parameters())
    with pytest.raises(ValueError, match="nothing in this model is free to learn"):
        optimiser(model, PAPER)


def test_a_starter_learns_at_one_rate() -> None:
    assert set(layer_scales(build(TINY), 0.5).values()) == {1.0}


def test_the_average_follows_and_can_be_left_out() -> None:
    model = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(model.weight)
    average = start_average(model, TrainConfig(ema=0.9))
    torch.nn.init.ones_(model.weight)
    update_average(average, model, 1, TrainConfig(ema=0.9))
    assert average["weight"].item() == pytest.approx(1 - 2 / 11), "early steps count for more"
    update_average(average, model, 10_000, TrainConfig(ema=0.9))
    assert average["weight"].item() == pytest.approx(1 - 0.9 * 2 / 11)
    assert start_average(model, TrainConfig(ema=0.0)) == {}


def test_drop_path_rises_through_the_blocks_and_dropout_lies_in_the_decoder() -> None:
    model = build(TINY_SAM)
    regularise(model, PAPER)
    shares = [module.share for module in model.image_encoder.modules() if isinstance(module, DropPath)]
    assert shares == [0.0, 0.4]
    dropouts = {module.share for module in model.mask_decoder.modules() if isinstance(module, Dropout)}
    assert dropouts == {0.1}
    pixels = torch.randn(1, 3, 64, 64)
    assert torch.equal(model.eval().embed(pixels)["image_embeddings"], model.embed(pixels)["image_embeddings"])
    regularise(model, replace(PAPER, mode="decoder", drop_path=0.9))
    assert shares == [module.share for module in model.image_encoder.modules() if isinstance(module, DropPath)]


def test_drop_path_leaves_out_whole_pictures_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer = DropPath()
    layer.share = 0.25
    dropped = layer(torch.ones(4000, 2, 3))
    assert sorted(set(dropped.flatten().tolist())) == pytest.approx([0, 4 / 3])
    assert (dropped.amax((1, 2)) == dropped.amin((1, 2))).all() and dropped.mean().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(layer.eval()(torch.ones(2, 2)), torch.ones(2, 2))


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(ValueError, match="float16 needs a GPU"):
        grad_scaler(TrainConfig(precision="float16"), torch.device("cpu"))
    assert not grad_scaler(TrainConfig(precision="bfloat16"), torch.device("cpu")).is_enabled()


def test_every_shipped_model_has_layers_or_is_the_starter() -> None:
    with torch.device("meta"):
        depths = {name: len(set(layer_scales(build(config), 0.5).values())) for name, config in MODEL_CONFIGS.items()}
    assert {name for name, depth in depths.items() if depth == 1} == {"starter", "starter_s"}
    assert (depths["vit_b"], depths["vit_l"], depths["vit_h"], depths["vit_t"]) == (14, 26, 34, 14)
