"""Embeddings kept on disk while only the decoder learns: the image encoder sees every picture once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from segmenter.build import Model, build
from segmenter.checkpoint import state_digest
from segmenter.config import Kept, TrainConfig
from segmenter.pixels import pixel_digest
from segmenter.predict import device_of
from segmenter.training.batches import Batch, Source
from segmenter.training.prompting import normalise


class Embeddings:
    """What a frozen image encoder makes of pictures SxSx3, one file each, by the encoder's and the pixels' digest.

    Nothing is held in memory; a file is written whole or not at all, so processes and runs may share ``folder``.
    "half" keeps float16: half the disk, and answers that differ in the third digit.
    """

    def __init__(self, folder: Path, model: Model, kept: Kept = "half") -> None:
        digest = state_digest(model.state_dict(), "image_encoder.", kept)
        self.folder, self.model, self.kept = folder / digest[:16], model, kept
        self.folder.mkdir(parents=True, exist_ok=True)

    def of(self, pictures: Sequence[NDArray[np.uint8]]) -> dict[str, Tensor]:
        """The embeddings of pictures, BxCxHxW by name, as they are kept; those that are missing are made."""
        found = [self._one(picture) for picture in pictures]
        return {name: torch.cat([tensors[name] for tensors in found]) for name in found[0]}

    def make(
        self, pictures: Iterable[NDArray[np.uint8]], count: int, report: Callable[[float], None] = lambda share: None
    ) -> None:
        """Makes the embeddings of ``count`` pictures now; OSError, after the first, where the disk has no room."""
        for number, picture in enumerate(pictures):
            report(number / count)
            self._one(picture)
            if number == 0:
                kept = sum(1 for _ in self.folder.glob("*.safetensors"))
                needed = (count - kept) * self._file(picture).stat().st_size
                free = shutil.disk_usage(self.folder).free
                if needed > free:
                    raise OSError(f"{self.folder} has room for {free >> 20} of {needed >> 20} MiB of embeddings")

    def adopt(self, picture: NDArray[np.uint8], file: Path) -> bool:
        """Takes over what the same encoder made elsewhere of this picture: a safetensors file, CxHxW by name.

        False, and nothing changes, where the file is not there or not of this model's shapes; it is made here then.
        """
        if not file.exists() or self._file(picture).exists():
            return False
        try:
            found = {name: level[None] for name, level in load_file(file).items()}
        except SafetensorError:
            return False
        side = self.model.config.frame
        with torch.device("meta"):
            wanted = build(self.model.config).eval().embed(torch.zeros(1, 3, side, side))
        if {name: level.shape for name, level in found.items()} != {n: level.shape for n, level in wanted.items()}:
            return False
        self._write(picture, {name: level.to(self._dtype) for name, level in found.items()})
        return True

    def _file(self, picture: NDArray[np.uint8]) -> Path:
        return self.folder / f"{pixel_digest(picture)}.safetensors"

    def _one(self, picture: NDArray[np.uint8]) -> dict[str, Tensor]:
        file = self._file(picture)
        if file.exists():
            try:
                return load_file(file)
            except SafetensorError:  # another program's doing; ours are whole
                file.unlink()
        made = self._made(picture)
        self._write(picture, made)
        return made

    def _write(self, picture: NDArray[np.uint8], made: dict[str, Tensor]) -> None:
        file = self._file(picture)
        partial = file.with_name(f"{file.name}.{uuid4().hex}.partial")
        try:
            save_file(made, partial)
            partial.replace(file)
        except SafetensorError as error:
            partial.unlink(missing_ok=True)
            raise OSError(f"cannot write {file}: {error}") from error

    @torch.no_grad()
    def _made(self, picture: NDArray[np.uint8]) -> dict[str, Tensor]:
        training = self.model.image_encoder.training
        self.model.image_encoder.eval()
        levels = self.model.embed(normalise(picture[None], self.model.config, device_of(self.model)))
        self.model.image_encoder.train(training)
        return {name: level.to("cpu", self._dtype).contiguous() for name, level in levels.items()}

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float16 if self.kept == "half" else torch.float32


def kept_in(folder: Path, model: Model, recipe: TrainConfig) -> Embeddings | None:
    """The embeddings of a model whose image encoder does not learn, as a recipe keeps them; None: not at all."""
    return None if recipe.embeddings == "none" else Embeddings(folder, model, recipe.embeddings)


class Embedded:
    """A source whose pictures come as kept embeddings. It pays where ``source`` shows a picture again unchanged."""

    def __init__(self, source: Source, embeddings: Embeddings) -> None:
        self.source, self.embeddings = source, embeddings

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        """The source's batch, with embeddings in the pictures' place."""
        batch = self.source.batch(images, masks_per_image, side)
        empty = np.empty((len(batch.pictures), 0, 0, 3), np.uint8)
        return replace(batch, pictures=empty, embedding=self.embeddings.of(list(batch.pictures)))

    def state_dict(self) -> dict[str, Any]:
        return self.source.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.source.load_state_dict(state)
