"""The mask decoder for inference: the numbers of :class:`MaskDecoder` with a third of its work, exact in float32.

What it saves, over the plain pass that training and exports use:

* the first layer's keys, values and queries of the image are the same for every prompt: projected once an image;
* where tokens are few, attention goes through them: (q W) x instead of q (W x), so no layer projects every cell;
* the softmax over few tokens runs along the cells, which are many and contiguous;
* prompts are judged before anything is drawn, and maps stay channel-last until the last product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.modeling.common import LayerNorm2d
from segmenter.modeling.mask_decoder import TOKENS, MaskDecoder
from segmenter.modeling.transformer import Attention, TwoWayAttentionBlock, TwoWayTransformer


@dataclass(frozen=True)
class Cells:
    """The image as an attention reads it: B (or 1) x N x C, without and with its positions."""

    plain: Tensor
    placed: Tensor


@dataclass(frozen=True)
class Projected:
    """The first layer's projections of an image, 1 x heads x channels x N, or x N x channels (``values``)."""

    keys: Tensor
    values: Tensor
    queries: Tensor


@dataclass(frozen=True)
class ImageSide:
    """All that the decoder can know of an image before the first prompt."""

    image: Tensor  # 1xCxHxW, as the encoder gave it
    positions: Tensor  # 1xNxC
    unmasked: Cells  # the image as prompts without a mask see it
    projected: Projected | None


class _Product(NamedTuple):
    """A layer as ``x @ weight + bias``."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Judged:
    """Prompts after the transformer: their predicted IoU Bx4, mask tokens Bx4xC and cells BxNxC in rows of W."""

    predicted_iou: Tensor
    tokens: Tensor
    cells: Tensor
    size: tuple[int, int]


def image_side(decoder: MaskDecoder, image: Tensor, positions: Tensor, no_mask: Tensor, fold: bool) -> ImageSide:
    """Folds an image 1xCxHxW with its positions and the vector that stands for "no mask" (1xC).

    Folding pays from the third prompt on; without it the first layer is computed as the later ones are.
    """
    dtype = decoder.iou_token.weight.dtype
    image, no_mask = image.to(dtype), no_mask.to(dtype)
    positions = positions.to(dtype).flatten(2).transpose(1, 2).contiguous()
    cells = _cells(image + no_mask[:, :, None, None], positions)
    return ImageSide(image, positions, cells, _project(decoder.transformer.layers[0], cells) if fold else None)


def judge(decoder: MaskDecoder, side: ImageSide, sparse: Tensor, dense: Tensor | None) -> Judged:
    """Prompt tokens BxNxC and, where there are mask prompts, their maps BxCxHxW, through the transformer."""
    output = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])[None].expand(sparse.shape[0], -1, -1)
    tokens = torch.cat([output, sparse.to(output.dtype)], 1)
    cells = side.unmasked if dense is None else _cells(side.image + dense.to(output.dtype), side.positions)
    transformer = decoder.transformer
    if _few(transformer.final_attn_token_to_image, tokens):
        projected = side.projected if dense is None else None
        tokens, attended = _transform(transformer, cells, side.positions, projected, tokens)
    else:
        tokens, attended = transformer(cells.plain.expand(len(tokens), -1, -1), side.positions, tokens)
    size = (side.image.shape[-2], side.image.shape[-1])
    return Judged(decoder.iou_prediction_head(tokens[:, 0]).float(), tokens[:, 1 : 1 + TOKENS], attended, size)


def draw(decoder: MaskDecoder, judged: Judged, rows: Tensor) -> Tensor:
    """Logits Kx4x4Hx4W of the prompts named by ``rows``."""
    tokens = judged.tokens[rows]
    weights = torch.stack([mlp(tokens[:, i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)], 1)
    height, width = judged.size
    # Finer rows by both steps: dy of the first, dy of the second, then a whole row of logits.
    drawn = tokens.new_empty((len(rows), TOKENS, height, 2, 2, 4 * width), dtype=torch.float32)
    first, norm, _, second, _ = decoder.output_upscaling
    assert isinstance(first, nn.ConvTranspose2d) and isinstance(second, nn.ConvTranspose2d)
    assert isinstance(norm, LayerNorm2d)
    to_finer, to_finest = _as_products(first), _as_products(second)
    # One by one, and only the finer cells of one finer row at a time: what lies between the products stays in the
    # processor's cache, and the order of the cells is that of the logits.
    for place, row in enumerate(rows.tolist()):
        for upper, (weight, bias) in enumerate(to_finer):
            finer = torch.addmm(bias, judged.cells[row], weight).reshape(-1, first.out_channels)
            finer = F.gelu(F.layer_norm(finer, finer.shape[-1:], norm.weight, norm.bias, norm.eps))
            for lower, (finer_weight, finer_bias) in enumerate(to_finest):
                finest = F.gelu(torch.addmm(finer_bias, finer, finer_weight)).reshape(-1, second.out_channels)
                drawn[place, :, :, upper, lower] = (weights[place] @ finest.T).reshape(TOKENS, height, -1)
    return drawn.reshape(len(rows), TOKENS, 4 * height, 4 * width)


def _as_products(layer: nn.ConvTranspose2d) -> list[_Product]:
    """A transposed convolution of side and stride 2, as one product for each of a cell's two finer rows."""
    assert layer.bias is not None
    rows = layer.weight.permute(2, 0, 3, 1).flatten(2)
    return [_Product(row, layer.bias.repeat(2)) for row in rows]


def _cells(image: Tensor, positions: Tensor) -> Cells:
    plain = image.flatten(2).transpose(1, 2).contiguous()
    return Cells(plain, plain + positions)


def _few(attention: Attention, tokens: Tensor) -> bool:
    """Whether attention through the tokens is less work than projecting every cell."""
    return tokens.shape[1] * attention.num_heads < attention.q_proj.out_features


def _project(layer: nn.Module, cells: Cells) -> Projected:
    assert isinstance(layer, TwoWayAttentionBlock)
    ask, tell = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
    return Projected(
        _heads(ask, ask.k_proj(cells.placed)).transpose(2, 3).contiguous(),
        _heads(ask, ask.v_proj(cells.plain)).contiguous(),
        _heads(tell, tell.q_proj(cells.placed)).transpose(2, 3).contiguous(),
    )


def _heads(attention: Attention, x: Tensor) -> Tensor:
    """BxNxD -> B x heads x N x channels."""
    return x.reshape(*x.shape[:2], attention.num_heads, -1).transpose(1, 2)


def _by_head(attention: Attention, projection: nn.Linear) -> Tensor:
    """A projection's matrix, heads x channels x C."""
    matrix: Tensor = projection.weight.reshape(attention.num_heads, -1, projection.in_features)
    return matrix


def _scaled(attention: Attention, x: Tensor) -> Tensor:
    heads = _heads(attention, x)
    return heads / math.sqrt(heads.shape[-1])


def _transform(
    transformer: TwoWayTransformer, cells: Cells, positions: Tensor, projected: Projected | None, tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """`TwoWayTransformer.forward` for few tokens; the same steps, each attention by the shortest way."""
    token_positions = tokens
    for layer in transformer.layers:
        assert isinstance(layer, TwoWayAttentionBlock)
        tokens, image = _layer(layer, tokens, token_positions, cells, projected)
        cells, projected = Cells(image, image + positions), None
    attended = _ask(transformer.final_attn_token_to_image, tokens + token_positions, cells, None)
    out: Tensor = transformer.norm_final_attn(tokens + attended)
    return out, cells.plain


def _layer(
    layer: TwoWayAttentionBlock, tokens: Tensor, token_positions: Tensor, cells: Cells, projected: Projected | None
) -> tuple[Tensor, Tensor]:
    if layer.skip_first_positions:
        tokens = layer.self_attn(tokens, tokens, tokens)
    else:
        placed = tokens + token_positions
        tokens = tokens + layer.self_attn(placed, placed, tokens)
    tokens = layer.norm1(tokens)
    tokens = layer.norm2(tokens + _ask(layer.cross_attn_token_to_image, tokens + token_positions, cells, projected))
    tokens = layer.norm3(tokens + layer.mlp(tokens))
    told = _tell(layer.cross_attn_image_to_token, tokens + token_positions, tokens, cells, projected)
    return tokens, layer.norm4(told)


def _ask(attention: Attention, asking: Tensor, cells: Cells, projected: Projected | None) -> Tensor:
    """Tokens BxTxC attend to the cells -> BxTxC. A key's bias adds the same to all scores of a token: left out."""
    queries = _scaled(attention, attention.q_proj(asking))
    if projected is not None:
        mixed = (queries @ projected.keys).softmax(-1) @ projected.values
    else:
        through = (queries @ _by_head(attention, attention.k_proj)).flatten(1, 2)
        share = (through @ cells.placed.transpose(1, 2)).softmax(-1)
        mixed = (share @ cells.plain).reshape(*queries.shape[:3], -1)
        mixed = mixed @ _by_head(attention, attention.v_proj).transpose(1, 2)
        mixed = mixed + attention.v_proj.bias.reshape(attention.num_heads, 1, -1)
    out: Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return out


def _tell(attention: Attention, keys: Tensor, values: Tensor, cells: Cells, projected: Projected | None) -> Tensor:
    """The cells attend to tokens BxTxC -> the cells with what they were told added, BxNxC."""
    heads = _scaled(attention, attention.k_proj(keys))
    if projected is not None:
        scores = heads @ projected.queries
    else:
        through = (heads @ _by_head(attention, attention.q_proj)).flatten(1, 2)
        constant = heads @ attention.q_proj.bias.reshape(attention.num_heads, -1, 1)
        scores = (through @ cells.placed.transpose(1, 2)).reshape(*heads.shape[:3], -1) + constant
    share = scores.softmax(2).flatten(1, 2).transpose(1, 2)
    out_by_head = attention.out_proj.weight.T.reshape(attention.num_heads, -1, attention.out_proj.out_features)
    weighed = (_heads(attention, attention.v_proj(values)) @ out_by_head).flatten(1, 2)
    # The shares of each head sum to one, so a part of the bias in each row of `weighed` adds up to the bias.
    weighed = weighed + attention.out_proj.bias / attention.num_heads
    return torch.baddbmm(cells.plain.expand(len(keys), -1, -1), share, weighed)
