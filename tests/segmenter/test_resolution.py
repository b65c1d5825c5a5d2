"""Models at another frame than the one they were trained for."""

from dataclasses import replace

import pytest
import torch

from segmenter.build import build
from segmenter.checkpoint import model_of
from segmenter.config import MODEL_CONFIGS, ModelConfig
from segmenter.resolution import resized
from tests.segmenter.golden import SMALL
from tests.segmenter.test_starter import TINY as STARTER
from tests.segmenter.test_tiny_vit import CONFIG as TINY_VIT


@pytest.mark.parametrize("config", [SMALL, TINY_VIT], ids=["vit", "tiny_vit"])
@pytest.mark.parametrize("frame", [160, 384])
@torch.inference_mode()
def test_the_model_runs_at_another_frame(config: ModelConfig, frame: int) -> None:
    torch.manual_seed(0)
    state, changed = resized(build(config).state_dict(), config, frame)
    assert changed == replace(config, frame=frame, logits=frame // 4)
    model = model_of(state, changed)
    embedding = model.embed(torch.randn(1, 3, frame, frame))
    assert embedding["image_embeddings"].shape[-2:] == (frame // 16, frame // 16)
    mask, points = torch.zeros(1, 1, frame // 4, frame // 4), torch.tensor([[[frame / 2, frame / 3]]])
    logits, iou = model.decode(embedding, points, torch.ones(1, 1), mask, torch.zeros(1))
    assert logits.shape == (1, 4, frame // 4, frame // 4) and iou.shape == (1, 4)


def test_a_starter_keeps_every_weight() -> None:
    state = build(STARTER).state_dict()
    same, config = resized(state, STARTER, 320)
    assert same.keys() == state.keys() and all(same[name] is value for name, value in state.items())
    assert (config.frame, config.logits) == (320, 160)
    with pytest.raises(ValueError, match="in steps of 32, not 336"):
        resized(state, STARTER, 336)


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h", "vit_t"])
def test_official_models_fit_at_512(name: str) -> None:
    with torch.device("meta"):
        state = build(MODEL_CONFIGS[name]).state_dict()
        changed, config = resized(state, MODEL_CONFIGS[name], 512)
        expected = build(config).state_dict()
    assert {k: v.shape for k, v in changed.items()} == {k: v.shape for k, v in expected.items()}
    assert (config.frame, config.logits) == (512, 128)


def test_the_same_frame_changes_nothing() -> None:
    state = build(SMALL).state_dict()
    same, config = resized(state, SMALL, 256)
    assert config == SMALL and all(same[name] is value for name, value in state.items())


def test_only_what_depends_on_the_frame_is_interpolated_and_smoothly() -> None:
    state = dict(build(SMALL).state_dict())
    ramp = torch.linspace(0, 1, 16)[None, None, :, None].expand(1, 16, 16, 96)
    state["image_encoder.pos_embed"] = ramp.contiguous()
    state["image_encoder.blocks.1.attn.rel_pos_h"] = torch.linspace(-1, 1, 31)[:, None].expand(31, 32).contiguous()
    changed, _ = resized(state, SMALL, 512)
    positions, table = changed["image_encoder.pos_embed"], changed["image_encoder.blocks.1.attn.rel_pos_h"]
    assert positions.shape == (1, 32, 32, 96) and table.shape == (63, 32)
    assert (positions[0, 0, 3:-2, 0].diff() > 0).all() and (positions[0, :, 5, 0] == positions[0, 0, 5, 0]).all()
    torch.testing.assert_close(table[:, 0], torch.tensor(_midway(63)))
    kept = {name for name, value in state.items() if changed[name] is value}
    tables = {f"image_encoder.blocks.{i}.attn.rel_pos_{axis}" for i in (1, 3) for axis in "hw"}
    assert set(state) - kept == tables | {"image_encoder.pos_embed"}


def _midway(length: int) -> list[float]:
    """A straight line from -1 to 1 over 31 places, read at the centres of ``length`` cells."""
    places = [(index + 0.5) * 31 / length - 0.5 for index in range(length)]
    return [min(max(place, 0), 30) / 15 - 1 for place in places]


@pytest.mark.parametrize("frame", [0, 64, 500, 8192])
def test_impossible_frames_are_refused(frame: int) -> None:
    with pytest.raises(ValueError, match="in steps of 16"):
        resized({}, SMALL, frame)
    with pytest.raises(ValueError, match="in steps of 32"):
        resized({}, MODEL_CONFIGS["starter"], frame)
