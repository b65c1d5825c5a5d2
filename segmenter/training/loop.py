"""The training loop of every mode: it draws batches, learns from them, keeps its state, and ends clearly."""

from __future__ import annotations

import json
import logging
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor, nn

from segmenter.config import TrainConfig, to_dict
from segmenter.training.batches import Batch, Slot
from segmenter.training.optimiser import learning, learning_rate, set_learning_rate, update_average
from segmenter.training.state import CHECKPOINT, TrainState, chance_now, restore_chance, start
from segmenter.training.watch import Watch

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 120.0


class Task(Protocol):
    """What is learned: a model and how a batch teaches it. See :class:`segmenter.training.prompting.Prompting`."""

    @property
    def model(self) -> nn.Module: ...

    @property
    def frame(self) -> int:
        """The side of the crops that the model is made for, in pixels."""
        ...

    def weight(self, batch: Batch) -> int:
        """How much a batch counts beside the other batches of a step."""
        ...

    def train(self) -> None:
        """Puts the model into training mode."""
        ...

    def learn(self, batch: Batch, rng: random.Random, backward: Callable[[Tensor], None]) -> dict[str, float]:
        """Calls ``backward`` with each mean loss of the batch; returns the figures to watch."""
        ...

    def save(self, folder: Path, average: Mapping[str, Tensor]) -> Path:
        """Writes the weights at the end of the run; returns the file."""
        ...


class Group(Protocol):
    """The ``size`` processes that train together; ``rank`` counts them from 0."""

    rank: int
    size: int

    def sums(self, values: Sequence[float]) -> list[float]:
        """The sums of each value over all processes."""
        ...

    def of_first(self, value: float) -> float:
        """The first process's value."""
        ...

    def share_weights(self, model: nn.Module) -> None:
        """Gives every process the first one's weights."""
        ...

    def add_up(self, model: nn.Module) -> None:
        """Replaces every gradient by the sum of all processes' gradients, and running statistics by their mean."""
        ...

    def gathered(self, value: Any) -> list[Any]:
        """All processes' values, by rank."""
        ...


class Alone:
    """A group of one."""

    rank, size = 0, 1

    def sums(self, values: Sequence[float]) -> list[float]:
        return list(values)

    def of_first(self, value: float) -> float:
        return value

    def share_weights(self, model: nn.Module) -> None:
        """Nobody to give them to."""

    def add_up(self, model: nn.Module) -> None:
        """Nothing to add."""

    def gathered(self, value: Any) -> list[Any]:
        return [value]


def train_step(
    task: Task,
    state: TrainState,
    batches: Sequence[Batch],
    rngs: Sequence[random.Random],
    config: TrainConfig,
    group: Group | None = None,
) -> dict[str, float]:
    """One update from one batch of every slot of every process, as if they were one batch.

    FloatingPointError, with the weights as they were, where loss or gradient is not finite.
    """
    group = group or Alone()
    task.train()
    state.optimizer.zero_grad(set_to_none=True)
    figures = backward_pass(task, state, batches, rngs, group, config.seed)
    group.add_up(task.model)
    return figures | {"gradient": update(state, config, figures)}


def backward_pass(
    task: Task, state: TrainState, batches: Sequence[Batch], rngs: Sequence[random.Random], group: Group, seed: int
) -> dict[str, float]:
    """Adds the gradients of this process's batches, each by its share of the whole step; the figures are the step's.

    Torch's chance (dropout, drop path) follows from seed, step and slot, whichever process has the slot.
    """
    weights = [task.weight(batch) for batch in batches]
    (total,) = group.sums([float(sum(weights))])
    if not total:
        raise ValueError("the batches of a step hold nothing to learn from")
    means: dict[str, float] = {}
    first = group.rank * len(batches)
    for slot, (batch, weight, rng) in enumerate(zip(batches, weights, rngs, strict=True), first):
        share = weight / total
        torch.manual_seed(random.Random(f"{seed}/{state.step}/{slot}").getrandbits(63))
        seen = task.learn(batch, rng, lambda loss, share=share: _walk_back(state, loss * share))  # type: ignore[misc]
        means = {name: means.get(name, 0.0) + value * share for name, value in seen.items()}
    return dict(zip(means, group.sums(list(means.values())), strict=True))


def _walk_back(state: TrainState, loss: Tensor) -> None:
    state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]


def update(state: TrainState, config: TrainConfig, figures: Mapping[str, float]) -> float:
    """Moves weights and average by the gradients at hand; returns the gradient's norm before it was clipped."""
    state.scaler.unscale_(state.optimizer)
    norm = float(torch.nn.utils.clip_grad_norm_(learning(state.model), config.clip_norm))
    # A scaler looks at gradients itself: it leaves a step out and scales less.
    if not all(map(math.isfinite, figures.values())) or not (math.isfinite(norm) or state.scaler.is_enabled()):
        raise FloatingPointError(f"the loss or its gradient is not finite at step {state.step + 1}")
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.step += 1
    update_average(state.average, state.model, state.step, config)
    return norm


def progress_of(state: TrainState, config: TrainConfig) -> float:
    """How much of the schedule is done, from 0."""
    if config.steps is not None:
        return state.step / config.steps
    return state.elapsed_seconds / (60 * config.minutes)


def train(
    task: Task,
    slots: Sequence[Slot],
    config: TrainConfig,
    out: Path,
    report: Callable[[dict[str, Any]], None] = lambda metrics: None,
    clock: Callable[[], float] = time.monotonic,
    stop: Callable[[], bool] = lambda: False,
    group: Group | None = None,
    watch: Watch | None = None,
    every_seconds: float = CHECKPOINT_SECONDS,
) -> Path:
    """Trains for ``config.steps`` or ``config.minutes`` of ``clock`` time; returns the file of the weights.

    ``out`` also gets ``metrics.jsonl`` and, ``every_seconds``, ``checkpoint.pt``; where the latter exists, the run goes
    on from it. What ends a run early leaves the last good checkpoint: FloatingPointError for a loss that is not finite,
    OSError for a full disk or a device that failed, InterruptedError once ``stop`` says so (its state is saved first).
    """
    group = group or Alone()
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    # Channels last: convolutions on a CPU are faster so.
    task.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    group.share_weights(task.model)
    state = start(task.model, config)
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        _resume(state, checkpoint, slots, group)
    watch = watch or Watch(out, report)
    try:
        _run(task, state, slots, config, checkpoint, clock, stop, group, watch, every_seconds)
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}; {_kept(checkpoint)}") from error
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "CUDA" in str(error):
            reason = str(error).splitlines()[0]
            raise OSError(f"the device failed at step {state.step + 1}: {reason}; {_kept(checkpoint)}") from error
        raise
    file = out
    if group.rank == 0:
        file = task.save(out, state.average)
        (out / "train.json").write_text(json.dumps({"config": to_dict(config), "steps": state.step}, indent=1))
    return file


def _kept(checkpoint: Path) -> str:
    return f"the last good state is {checkpoint}" if checkpoint.exists() else "nothing was saved yet"


def _run(
    task: Task,
    state: TrainState,
    slots: Sequence[Slot],
    config: TrainConfig,
    checkpoint: Path,
    clock: Callable[[], float],
    stop: Callable[[], bool],
    group: Group,
    watch: Watch,
    every_seconds: float,
) -> None:
    last_saved = last_tick = clock()
    while (progress := group.of_first(progress_of(state, config))) < 1:
        rate = learning_rate(progress, state.step, config)
        set_learning_rate(state.optimizer, rate)
        frame = frame_at(progress, task.frame, config)
        batches = [slot.source.batch(config.images_per_step, config.masks_per_image, frame) for slot in slots]
        figures = train_step(task, state, batches, [slot.rng for slot in slots], config, group)
        now = clock()
        state.elapsed_seconds += now - last_tick
        last_tick = now
        images, asked = group.sums([float(sum(len(batch.pictures) for batch in batches)), float(stop())])
        if group.rank == 0:
            watch.step(state, config, progress, figures | {"learning_rate": rate, "frame": frame}, images)
        if asked or group.of_first(float(now - last_saved > every_seconds)):
            _save(state, checkpoint, slots, group, watch)
            last_saved = now
        if asked:
            raise InterruptedError(f"stopped at step {state.step}; the same command goes on from {checkpoint}")
    _save(state, checkpoint, slots, group, watch)


def frame_at(progress: float, frame: int, config: TrainConfig) -> int:
    """The side of the crops: ``first_frame`` for a first share of the schedule, then the model's own ``frame``."""
    return config.first_frame if progress < config.first_frame_share else frame


def _save(state: TrainState, checkpoint: Path, slots: Sequence[Slot], group: Group, watch: Watch) -> None:
    everyones = group.gathered([slot.state_dict() for slot in slots])
    chance = group.gathered(chance_now())
    if group.rank == 0:
        state.save(checkpoint, [one for some in everyones for one in some], chance)
        watch.look(state)


def _resume(state: TrainState, checkpoint: Path, slots: Sequence[Slot], group: Group) -> None:
    saved, chance = state.load(checkpoint)
    first = group.rank * len(slots)
    if len(saved) != group.size * len(slots):
        raise ValueError(f"{checkpoint} belongs to a run of {len(saved)} batches a step; continue it with as many")
    for slot, place in zip(slots, saved[first:], strict=False):
        slot.load_state_dict(place)
    if len(chance) == group.size:
        restore_chance(chance[group.rank])
    log.info("resumed at step %d", state.step)
