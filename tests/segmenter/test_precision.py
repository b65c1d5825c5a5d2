"""bfloat16 where it gains, close to float32, and only there."""

from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter import predict
from segmenter.build import build
from segmenter.config import ModelConfig, SamConfig
from segmenter.precision import gains, lowered


def test_bfloat16_stays_close_and_comes_back_as_float32() -> None:
    torch.manual_seed(0)
    model = build(ModelConfig("sam", 128, 32, sam=SamConfig(64, 2, 2, (1,), window_size=3))).eval()
    low = lowered(model)
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    coords, labels = torch.tensor([[[30.0, 40.0], [0.0, 0.0]]]), torch.tensor([[1.0, -1.0]])
    found = []
    for used in (model, low):
        embedding = predict.embed(used, picture)
        scored = predict.score(used, predict.prepare(used, embedding), coords, labels)
        drawn = predict.masks(used, scored, torch.tensor([0]))
        found.append((embedding.tensors["image_embeddings"], scored.predicted_iou, drawn))
    for exact, close in zip(*found, strict=True):
        assert close.dtype == torch.float32
        assert 0 < float((close - exact).norm() / exact.norm()) < 3e-2
    assert next(model.parameters()).dtype == torch.float32


def test_the_starter_is_left_as_it_is() -> None:
    model = build(ModelConfig(frame=64, logits=32))
    assert lowered(model) is model


@pytest.mark.parametrize(
    ("flags", "expected"), [("fpu avx2", False), ("avx2 amx_bf16 amx_tile", True), ("avx512_bf16", True)]
)
def test_only_processors_with_bfloat16_matrices_gain(tmp_path: Path, flags: str, expected: bool) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert gains(torch.device("cpu"), facts) is expected
    assert not gains(torch.device("cpu"), tmp_path / "absent")
    assert not gains(torch.device("meta"), facts)
