"""What training learns from: batches of crops and masks, and where they come from."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Crops BxSxSx3 uint8, masks MxSxS, and for each mask the index M of its crop.

    ``embedding`` holds what the image encoder made of the B crops, where that is kept; ``pictures`` are then empty
    (Bx0x0x3). ``text`` MxD are the masks' text embeddings, where they are prompted by text.
    """

    pictures: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    image_index: NDArray[np.int64]
    embedding: dict[str, Tensor] | None = None
    text: Tensor | None = None


class Source(Protocol):
    """An endless stream of batches. Its state is plain values: with them another source goes on where this one was."""

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        """``images`` crops of ``side`` pixels with up to ``masks_per_image`` masks each."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Slot:
    """One stream of batches with its own chance. A step learns from one batch of every slot of every process.

    So n processes with one slot each see what one process with n slots sees.
    """

    source: Source
    rng: random.Random

    def state_dict(self) -> dict[str, Any]:
        return {"source": self.source.state_dict(), "rng": self.rng.getstate()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.source.load_state_dict(state["source"])
        self.rng.setstate(state["rng"])  # last: a source may share it
