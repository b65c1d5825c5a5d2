"""Text as a prompt: CLIP's text side from a local folder (paper section 7.5, sam.md section 2.4).

The decoder gets one token for a text: its CLIP embedding at length 1, through the projection that belongs to the
model's weights (``prompt_encoder.text_projection``). Needs the extra ``text``; nothing is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from segmenter.build import Model

Side = TypeVar("Side")

NEEDED = ("config.json", "model.safetensors", "tokenizer_config.json")
AS_IT_IS: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "dtype": torch.float32}
WHERE = "where there is a network: hf download openai/clip-vit-large-patch14-336 --local-dir DIR"


class NoTextPrompts(ValueError):
    """Texts cannot be embedded, or not for this model; the message says what to do."""


@dataclass(frozen=True)
class TextEncoder:
    """CLIP's tokenizer and text tower. ``dim`` is the width of its embeddings; threads may share it."""

    tokenizer: Any
    tower: Any
    dim: int

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings of length 1, one row a text (NxD). NoTextPrompts for an empty text; long ones are cut off."""
        if not all(text.strip() for text in texts):
            raise NoTextPrompts("a text prompt needs at least one word")
        longest = self.tower.config.max_position_embeddings
        rows = self.tokenizer(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        embedding = self.tower(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"]).text_embeds
        normal: NDArray[np.float32] = torch.nn.functional.normalize(embedding.float(), dim=-1).numpy()
        return normal


def load_text_encoder(folder: Path) -> TextEncoder:
    """The text side of a CLIP model in transformers' format, whole or text only, weights as safetensors.

    NoTextPrompts where the extra is not installed, or the folder holds no such model.
    """

    def read(transformers: Any) -> TextEncoder:
        tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        tower = transformers.CLIPTextModelWithProjection.from_pretrained(folder, **AS_IT_IS)
        return TextEncoder(tokenizer, tower.eval(), int(tower.config.projection_dim))

    return read_clip(folder, NEEDED, read)


def read_clip(folder: Path, needed: Sequence[str], read: Callable[[Any], Side]) -> Side:
    """What ``read`` makes, with the library ``transformers``, of a folder that holds the ``needed`` files.

    NoTextPrompts where the extra is not installed, a file is missing or the library cannot read them.
    """
    try:
        import transformers
    except ImportError:
        raise NoTextPrompts("text prompts need one more package: pip install 'maskmill[text]'") from None
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise NoTextPrompts(f"{folder} holds no CLIP model: {', '.join(missing)} missing; {WHERE}")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        return read(transformers)
    except Exception as error:  # noqa: BLE001 the library raises anything that a damaged file can lead to
        raise NoTextPrompts(f"{folder} holds no CLIP model that can be read: {error}") from None


def text_dim(model: Model) -> int:
    """The width of the text embeddings that a model takes as prompts; 0 where its weights have no projection."""
    return model.config.sam.text_dim if model.config.family == "sam" else 0


def check_text(model: Model, width: int) -> None:
    """NoTextPrompts unless the model takes text embeddings of this width."""
    wanted = text_dim(model)
    if not wanted:
        raise NoTextPrompts(
            "this model takes no text prompts: its weights have no text projection (the starter has none)"
        )
    if width != wanted:
        raise NoTextPrompts(f"this model was trained with text embeddings of width {wanted}, not {width}: another CLIP")
