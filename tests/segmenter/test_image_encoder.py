"""The encoder's two ways to attend with relative positions, against each other and against the formula."""

import pytest
import torch

from segmenter.modeling import image_encoder
from segmenter.modeling.image_encoder import Attention, attend_biased, attend_widened


def parts(size: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(size)
    shapes = [(2, 3, size * size, 8)] * 3 + [(2, 3, size, size, size)] * 2
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_bias_as_a_mask_or_as_channels(size: int) -> None:
    q, k, v, by_row, by_column = parts(size)
    scores = (q @ k.transpose(2, 3) / 8**0.5).reshape(2, 3, size, size, size, size)
    scores = scores + by_row[..., :, None] + by_column[..., None, :]
    expected = scores.reshape(2, 3, size * size, size * size).softmax(-1) @ v
    for attend in (attend_biased, attend_widened):
        torch.testing.assert_close(attend(q, k, v, by_row, by_column), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_heads_one_at_a_time_or_together(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    attention = Attention(24, 3, 6)
    for table in (attention.rel_pos_h, attention.rel_pos_w):
        table.normal_()
    cells = torch.randn(2, 6, 6, 24)
    together = attention(cells)
    monkeypatch.setattr(image_encoder, "TOGETHER", 35)
    torch.testing.assert_close(attention(cells), together, atol=1e-6, rtol=1e-6)
    low = attention.bfloat16()(cells.bfloat16())
    assert float((low.float() - together).norm() / together.norm()) < 2e-2
