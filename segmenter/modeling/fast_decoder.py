"""The mask decoder of predictions and training: the numbers of :class:`MaskDecoder` with a third of its work.

Exact up to float32's rounding, gradients and places of dropout included. What it saves, over the plain pass that
exports use:

* the first layer's keys, values and queries of an image are the same for every prompt: projected once an image; a mask
  prompt changes cells by few channels, so what it changes in them goes through the tokens;
* where tokens are few, attention goes through them: (q W) x instead of q (W x), so no layer projects every cell;
* the softmax over few tokens runs along the cells, which are many and contiguous;
* prompts are judged before anything is drawn, and maps stay channel-last until the last product.

A key's bias adds the same to all scores of a token: it is left out, and has no gradient.
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
from segmenter.modeling.prompt_encoder import MaskPrompts
from segmenter.modeling.transformer import Attention, TwoWayAttentionBlock, TwoWayTransformer

# Of an image side: B images BxHxWxC as prompts without a mask see them, and their cells' positions 1xNxC.
IMAGE, POSITIONS = "image", "positions"
# And, where it is folded, the first layer's projections Bx(heads)x(channels)xN, of values Bx(heads)xNx(channels).
KEYS, VALUES, QUERIES = "keys", "values", "queries"


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


def image_side(
    decoder: MaskDecoder, images: Tensor, positions: Tensor, no_mask: Tensor, fold: bool
) -> dict[str, Tensor]:
    """All that the decoder can know before prompts of images BxCxHxW, positions 1xCxHxW and the "no mask" vector 1xC.

    Folding pays from the third prompt on; without it the first layer is computed as the later ones are.
    """
    dtype = decoder.iou_token.weight.dtype
    image = (images.to(dtype) + no_mask.to(dtype)[:, :, None, None]).permute(0, 2, 3, 1).contiguous()
    side = {IMAGE: image, POSITIONS: positions.to(dtype).flatten(2).transpose(1, 2).contiguous()}
    if fold:
        layer = decoder.transformer.layers[0]
        assert isinstance(layer, TwoWayAttentionBlock)
        ask, tell = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        plain = image.flatten(1, 2)
        placed = plain + side[POSITIONS]
        side[KEYS] = _heads(ask, placed @ ask.k_proj.weight.T).transpose(2, 3).contiguous()
        side[VALUES] = _heads(ask, ask.v_proj(plain)).contiguous()
        side[QUERIES] = _heads(tell, tell.q_proj(placed)).transpose(2, 3).contiguous()
    return side


def judge(
    decoder: MaskDecoder,
    side: dict[str, Tensor],
    sparse: Tensor,
    masks: MaskPrompts | None = None,
    image_index: Tensor | None = None,
) -> Judged:
    """Prompt tokens BxNxC and, where there are some, mask prompts through the transformer.

    The side holds one image, B images, or those that ``image_index`` (B) picks.
    """
    output = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])[None].expand(sparse.shape[0], -1, -1)
    tokens = torch.cat([output, sparse.to(output.dtype)], 1)
    masks = None if masks is None else MaskPrompts(*(part.to(output.dtype) for part in masks))
    own = {name: _picked(values, image_index) for name, values in side.items() if name != POSITIONS}
    size = (own[IMAGE].shape[1], own[IMAGE].shape[2])
    plain = own[IMAGE].flatten(1, 2)
    plain = plain if masks is None else masks.added_to(plain)
    transformer, positions = decoder.transformer, side[POSITIONS]
    if _few(transformer.final_attn_token_to_image, tokens):
        folded = KEYS in own
        cells = _FoldedCells(plain, own[KEYS], own[VALUES], own[QUERIES], masks) if folded else _Cells(plain, positions)
        tokens, attended = _transform(transformer, cells, positions, tokens)
    else:
        tokens, attended = transformer(plain.expand(len(tokens), -1, -1), positions, tokens)
    return Judged(decoder.iou_prediction_head(tokens[:, 0]).float(), tokens[:, 1 : 1 + TOKENS], attended, size)


def draw(decoder: MaskDecoder, judged: Judged, rows: Tensor) -> Tensor:
    """Logits Kx4x4Hx4W of the prompts named by ``rows``."""
    tokens = judged.tokens[rows]
    weights = torch.stack([mlp(tokens[:, i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)], 1)
    first, norm, _, second, _ = decoder.output_upscaling
    assert isinstance(first, nn.ConvTranspose2d) and isinstance(second, nn.ConvTranspose2d)
    assert isinstance(norm, LayerNorm2d)
    to_finer, to_finest = _as_products(first), _as_products(second)
    if judged.cells.device.type == "cpu" and len(rows):
        # One by one: what lies between the products stays in the processor's cache.
        cells = torch.split(judged.cells, 1)
        parts = list(zip([cells[row] for row in rows.tolist()], torch.split(weights, 1), strict=True))
    else:
        parts = [(judged.cells[rows], weights)]
    drawn = [_drawn(cells, weight, to_finer, norm, to_finest, judged.size) for cells, weight in parts]
    return torch.cat(drawn)


def _drawn(
    cells: Tensor,
    weights: Tensor,
    to_finer: list[_Product],
    norm: LayerNorm2d,
    to_finest: list[_Product],
    size: tuple[int, int],
) -> Tensor:
    """Cells BxNxC upscaled by 4 and weighed by Bx4xc. The order of the cells is always that of the logits."""
    (batch, count, _), (height, width), rows = cells.shape, size, []
    for weight, bias in to_finer:  # finer rows first, as the cells of one kind of them are all that is held
        finer = torch.addmm(bias, cells.flatten(0, 1), weight).reshape(-1, len(norm.weight))
        finer = F.gelu(F.layer_norm(finer, finer.shape[-1:], norm.weight, norm.bias, norm.eps))
        for finer_weight, finer_bias in to_finest:
            finest = F.gelu(torch.addmm(finer_bias, finer, finer_weight)).reshape(batch, 4 * count, weights.shape[-1])
            rows.append((weights @ finest.transpose(1, 2)).reshape(batch, TOKENS, height, 4 * width))
    return torch.stack(rows, 3).reshape(batch, TOKENS, 4 * height, 4 * width).float()


def _as_products(layer: nn.ConvTranspose2d) -> list[_Product]:
    """A transposed convolution of side and stride 2, as one product for each of a cell's two finer rows."""
    assert layer.bias is not None
    rows = layer.weight.permute(2, 0, 3, 1).flatten(2)
    return [_Product(row, layer.bias.repeat(2)) for row in rows]


def _picked(values: Tensor, index: Tensor | None) -> Tensor:
    """The values of each prompt's image; those of a single image stay one for all."""
    return values if index is None or len(values) == 1 else values.index_select(0, index)


def _few(attention: Attention, tokens: Tensor) -> bool:
    """Whether attention through the tokens is less work than projecting every cell."""
    return tokens.shape[1] * attention.num_heads < attention.q_proj.out_features


def _heads(attention: Attention, x: Tensor) -> Tensor:
    """BxNxD -> B x heads x N x channels."""
    return x.reshape(*x.shape[:2], attention.num_heads, -1).transpose(1, 2)


def _by_head(attention: Attention, projection: nn.Linear) -> Tensor:
    """A projection's matrix, heads x channels x C."""
    matrix: Tensor = projection.weight.reshape(attention.num_heads, -1, projection.in_features)
    return matrix


def _through(tokens: Tensor, cells: Tensor) -> Tensor:
    """Products of tokens B x heads x T x C with all cells BxNxC, B x heads x T x N."""
    return (tokens.flatten(1, 2) @ cells.transpose(1, 2)).reshape(*tokens.shape[:3], -1)


def _shared_out(share: Tensor, cells: Tensor) -> Tensor:
    """Sums of cells BxNxC by shares B x heads x T x N, B x heads x T x C."""
    return (share.flatten(1, 2) @ cells).reshape(*share.shape[:3], -1)


class _Cells:
    """Cells BxNxC as an attention reads them: its projections move to the tokens."""

    def __init__(self, plain: Tensor, positions: Tensor) -> None:
        self.plain, self.placed = plain, plain + positions

    def scores_as_keys(self, attention: Attention, queries: Tensor) -> Tensor:
        return _through(queries @ _by_head(attention, attention.k_proj), self.placed)

    def values(self, attention: Attention, share: Tensor) -> Tensor:
        mixed = _shared_out(share, self.plain) @ _by_head(attention, attention.v_proj).transpose(1, 2)
        return mixed + attention.v_proj.bias.reshape(attention.num_heads, 1, -1)

    def scores_as_queries(self, attention: Attention, keys: Tensor) -> Tensor:
        constant = keys @ attention.q_proj.bias.reshape(attention.num_heads, -1, 1)
        return _through(keys @ _by_head(attention, attention.q_proj), self.placed) + constant


@dataclass(frozen=True)
class _FoldedCells:
    """Cells whose projections in the first layer are known, but for what masks add to them."""

    plain: Tensor
    keys: Tensor
    known_values: Tensor
    queries: Tensor
    masks: MaskPrompts | None

    def scores_as_keys(self, attention: Attention, queries: Tensor) -> Tensor:
        scores = queries @ self.keys
        if self.masks is None:
            return scores
        # The masks' constant adds the same to all scores of a token.
        return scores + _through(queries @ (_by_head(attention, attention.k_proj) @ self.masks.weight), self.masks.maps)

    def values(self, attention: Attention, share: Tensor) -> Tensor:
        mixed = share @ self.known_values
        if self.masks is None:
            return mixed
        added = _shared_out(share, self.masks.maps) @ self.masks.weight.T + self.masks.constant[:, None, None]
        return mixed + added @ _by_head(attention, attention.v_proj).transpose(1, 2)

    def scores_as_queries(self, attention: Attention, keys: Tensor) -> Tensor:
        scores = keys @ self.queries
        if self.masks is None:
            return scores
        through = keys @ _by_head(attention, attention.q_proj)
        constant = through @ self.masks.constant[:, None, :, None]
        return scores + _through(through @ self.masks.weight, self.masks.maps) + constant


def _transform(
    transformer: TwoWayTransformer, cells: _Cells | _FoldedCells, positions: Tensor, tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """`TwoWayTransformer.forward` for few tokens; the same steps, each attention by the shortest way."""
    token_positions = tokens
    for layer in transformer.layers:
        assert isinstance(layer, TwoWayAttentionBlock)
        tokens, image = _layer(layer, tokens, token_positions, cells)
        cells = _Cells(image, positions)
    attended = _ask(transformer.final_attn_token_to_image, tokens + token_positions, cells)
    out: Tensor = transformer.norm_final_attn(tokens + transformer.drop(attended))
    return out, cells.plain


def _layer(
    layer: TwoWayAttentionBlock, tokens: Tensor, token_positions: Tensor, cells: _Cells | _FoldedCells
) -> tuple[Tensor, Tensor]:
    if layer.skip_first_positions:
        tokens = layer.drop(layer.self_attn(tokens, tokens, tokens))
    else:
        placed = tokens + token_positions
        tokens = tokens + layer.drop(layer.self_attn(placed, placed, tokens))
    tokens = layer.norm1(tokens)
    tokens = layer.norm2(tokens + layer.drop(_ask(layer.cross_attn_token_to_image, tokens + token_positions, cells)))
    tokens = layer.norm3(tokens + layer.drop(layer.mlp(tokens)))
    told = _tell(layer.cross_attn_image_to_token, tokens + token_positions, tokens, cells)
    return tokens, layer.norm4(cells.plain + layer.drop(told))


def _ask(attention: Attention, asking: Tensor, cells: _Cells | _FoldedCells) -> Tensor:
    """Tokens BxTxC attend to the cells -> BxTxC."""
    queries = _heads(attention, attention.q_proj(asking))
    share = cells.scores_as_keys(attention, queries / math.sqrt(queries.shape[-1])).softmax(-1)
    out: Tensor = attention.out_proj(cells.values(attention, share).transpose(1, 2).flatten(2))
    return out


def _tell(attention: Attention, keys: Tensor, values: Tensor, cells: _Cells | _FoldedCells) -> Tensor:
    """The cells attend to tokens BxTxC -> what they were told, BxNxC."""
    heads = _heads(attention, attention.k_proj(keys))
    share = cells.scores_as_queries(attention, heads / math.sqrt(heads.shape[-1])).softmax(2)
    out_by_head = attention.out_proj.weight.T.reshape(attention.num_heads, -1, attention.out_proj.out_features)
    weighed = (_heads(attention, attention.v_proj(values)) @ out_by_head).flatten(1, 2)
    # The shares of each head sum to one, so a part of the bias in each row of `weighed` adds up to the bias.
    weighed = weighed + attention.out_proj.bias / attention.num_heads
    return share.flatten(1, 2).transpose(1, 2) @ weighed
