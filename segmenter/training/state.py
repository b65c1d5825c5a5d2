"""All that a resumed run needs to go on where it stopped, and the file that holds it."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segmenter.config import TrainConfig
from segmenter.training.optimiser import grad_scaler, optimiser, start_average, unfrozen

CHECKPOINT = "checkpoint.pt"


@dataclass
class TrainState:
    """A model that learns, its optimiser, the scaler of its losses, the running average of its weights, and the clock.

    What else decides the run, the chance and the place in the data of every slot, is given to :meth:`save` beside it.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: dict[str, Tensor]
    step: int = 0
    elapsed_seconds: float = 0.0
    learned: dict[str, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.learned = unfrozen(self.model)  # what is frozen is not written again with every checkpoint

    def save(self, file: Path, slots: Sequence[dict[str, Any]], chance: Sequence[dict[str, Any]]) -> None:
        """Writes the checkpoint, whole or not at all: the last good one stays until the new one is on the disk.

        ``slots`` are the states of all slots of all processes, ``chance`` each process's :func:`chance_now`. OSError
        where the file system refuses.
        """
        state = {
            "model": self.learned,
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step,
            "elapsed_seconds": self.elapsed_seconds,
            "slots": list(slots),
            "chance": list(chance),
        }
        partial = file.with_suffix(".partial")
        try:
            with partial.open("wb") as stream:
                torch.save(state, stream)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(file)
        except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
            partial.unlink(missing_ok=True)
            kept = f"; the last good state is {file}" if file.exists() else ""
            raise OSError(f"cannot write {file}: {first_line(error)}{kept}") from error

    def load(self, file: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Restores what :meth:`save` wrote, and returns its ``slots`` and ``chance``.

        ValueError for a file that is not this model's checkpoint.
        """
        try:
            state = torch.load(file, weights_only=True, map_location="cpu")
            if state["model"].keys() != self.learned.keys():
                raise KeyError("other tensors")
            self.model.load_state_dict(state["model"], strict=False)
            for name, value in self.average.items():
                value.copy_(state["average"][name])
            self.optimizer.load_state_dict(state["optimizer"])
            self.scaler.load_state_dict(state["scaler"])
            self.step, self.elapsed_seconds = state["step"], state["elapsed_seconds"]
            return state["slots"], state["chance"]
        except (KeyError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
            raise ValueError(
                f"{file} is no checkpoint of this model and recipe ({first_line(error)}); "
                "choose an empty folder to start anew"
            ) from error


def first_line(error: Exception) -> str:
    """What an error says in one line; torch says pages."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def start(model: nn.Module, config: TrainConfig) -> TrainState:
    """A fresh state of a model whose frozen parameters are frozen already."""
    device = next(model.parameters()).device
    return TrainState(model, optimiser(model, config), grad_scaler(config, device), start_average(model, config))


def chance_now() -> dict[str, Any]:
    """The state of every global source of chance of this process: Python's, NumPy's and torch's, on all devices."""
    name, keys, *rest = np.random.get_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": random.getstate(),
        "numpy": (name, np.asarray(keys).tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": gpus,
    }


def restore_chance(state: dict[str, Any]) -> None:
    """Makes the process's chance go on as :func:`chance_now` found it."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
