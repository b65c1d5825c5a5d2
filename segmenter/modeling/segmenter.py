"""The Segment Anything family; its state dict has the names and shapes of the official checkpoints (sam.md 1.8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segmenter.config import ModelConfig
from segmenter.modeling import fast_decoder
from segmenter.modeling.fast_decoder import Judged
from segmenter.modeling.image_encoder import ImageEncoder
from segmenter.modeling.mask_decoder import MaskDecoder
from segmenter.modeling.prompt_encoder import PromptEncoder
from segmenter.modeling.tiny_vit import TinyViT

EMBEDDING = "image_embeddings"
UPSCALING = 4  # of the decoder: logits a side, per cell of the embedding


class Sam(nn.Module):
    """``embed`` an image once, ``decode`` prompts on it many times. Nothing is kept between calls."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sam = config.sam
        if config.frame % sam.patch_size or config.logits * sam.patch_size != UPSCALING * config.frame:
            raise ValueError(
                f"a frame of {config.frame} in patches of {sam.patch_size} needs whole patches and logits of "
                f"{UPSCALING} a patch, not {config.logits}"
            )
        self.config = config
        self.image_encoder = TinyViT(sam) if sam.encoder == "tiny_vit" else ImageEncoder(config)
        self.prompt_encoder = PromptEncoder(sam.prompt_dim, sam.mask_in_channels, sam.text_dim)
        self.mask_decoder = MaskDecoder(sam)

    def embed(self, pixels: Tensor) -> dict[str, Tensor]:
        """Normalised, padded pixels Bx3xSxS -> ``image_embeddings`` BxCxHxW, H = W = S / patch size."""
        embedded: Tensor = self.image_encoder(pixels.to(next(self.image_encoder.parameters()).dtype))
        return {EMBEDDING: embedded.float()}

    def decode(
        self,
        embedding: dict[str, Tensor],
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        text: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Prompts on embedded images -> (mask logits Bx4xLxL, predicted IoU Bx4); token 0 is the single mask.

        The plain pass, which exports use. Predictions and training ``prepare``, ``judge`` and ``draw``: same numbers.

        ``point_coords`` BxNx2 in frame pixels, ``point_labels`` BxN in -1..3, ``mask_input`` Bx1xLxL logits,
        ``has_mask_input`` B of 0 or 1. The embedding holds one image, or B images.
        ``text`` BxD, embeddings of length 1, are one prompt token more; only models with a text projection take them.
        """
        image = embedding[EMBEDDING]
        sparse = self._sparse(point_coords, point_labels, text)
        dense = self.prompt_encoder.dense(mask_input, has_mask_input)
        positions = self.prompt_encoder.pe_layer.grid(*image.shape[-2:])
        out: tuple[Tensor, Tensor] = self.mask_decoder(image, positions, sparse, dense)
        return out

    def _sparse(self, point_coords: Tensor, point_labels: Tensor, text: Tensor | None) -> Tensor:
        # Half a pixel: the prompt lies in the middle of its model pixel (sam.md 1.2).
        points: Tensor = self.prompt_encoder.sparse((point_coords + 0.5) / self.config.frame, point_labels)
        return points if text is None else torch.cat([points, self.prompt_encoder.text(text)], 1)

    def prepare(self, embedding: dict[str, Tensor], fold: bool) -> dict[str, Tensor]:
        """What the prompts on each embedded image share; ``fold`` where there will be three or more on it."""
        image = embedding[EMBEDDING]
        positions = self.prompt_encoder.pe_layer.grid(*image.shape[-2:])
        return fast_decoder.image_side(
            self.mask_decoder, image, positions, self.prompt_encoder.no_mask_embed.weight, fold
        )

    def judge(
        self,
        prepared: dict[str, Tensor],
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor | None = None,
        has_mask_input: Tensor | None = None,
        image_index: Tensor | None = None,
        text: Tensor | None = None,
    ) -> Judged:
        """``decode`` up to the predicted IoU, on prepared images: one, B, or those that ``image_index`` (B) picks.

        ``mask_input`` Bx1xLxL counts for every prompt, for those that ``has_mask_input`` names, or (None) for none.
        """
        masks = None
        if mask_input is not None:
            present = mask_input.new_ones(len(mask_input)) if has_mask_input is None else has_mask_input
            masks = self.prompt_encoder.mask_prompts(mask_input, present)
        sparse = self._sparse(point_coords, point_labels, text)
        return fast_decoder.judge(self.mask_decoder, prepared, sparse, masks, image_index)

    def draw(self, judged: Judged, rows: Tensor) -> Tensor:
        """The rest of ``decode`` for the prompts named by ``rows`` (int64 K): logits Kx4xLxL."""
        return fast_decoder.draw(self.mask_decoder, judged, rows)
