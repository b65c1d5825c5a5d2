"""Training on several processes or devices: what a group of them must agree on at every step.

Started by ``torchrun``; one process without it is a group of one. All processes hold the whole model. Each learns from
batches of its own, then gradients are added up, so that all make the same update: the one that a single process would
make from all batches together. Running statistics of normalisation layers, which are no gradients, become the mean.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from segmenter.config import TrainConfig
from segmenter.training.batches import Slot, Source
from segmenter.training.loop import Alone, Group

BUCKET_BYTES = 32 * 1024 * 1024  # sent at a time: large enough for bandwidth, small enough to copy meanwhile


class Ranks:
    """The processes that ``torchrun`` started, as a :class:`segmenter.training.loop.Group`."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def sums(self, values: Sequence[float]) -> list[float]:
        """The sums of each value over all processes."""
        total = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(total)
        return [float(value) for value in total]

    def of_first(self, value: float) -> float:
        """The first process's value."""
        told = torch.tensor(value, dtype=torch.float64)
        dist.broadcast(told, 0)
        return float(told)

    def gathered(self, value: Any) -> list[Any]:
        """All processes' values, by rank."""
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def share_weights(self, model: nn.Module) -> None:
        """Gives every process the first one's weights."""
        for value in model.state_dict().values():
            sent = value.contiguous()
            dist.broadcast(sent, 0)
            value.copy_(sent)

    def add_up(self, model: nn.Module) -> None:
        """Replaces gradients by their sums over all processes, floating-point statistics by their means.

        A gradient that no process has stays absent: the optimiser leaves such a parameter alone.
        """
        learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
        present = self.sums([float(parameter.grad is not None) for parameter in learning])
        gradients = []
        for parameter, count in zip(learning, present, strict=True):
            if count:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                gradients.append(parameter.grad)
        _sum_over_ranks(gradients)
        statistics = [buffer for buffer in model.buffers() if buffer.is_floating_point() and model.training]
        _sum_over_ranks(statistics)
        for statistic in statistics:
            statistic /= self.size


def _sum_over_ranks(tensors: Sequence[Tensor]) -> None:
    """Adds tensors up over all processes in place, many to a message: one is sent while the next is copied."""
    sent: tuple[list[Tensor], Tensor, dist.Work] | None = None
    for bucket in _buckets(tensors):
        flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
        work = dist.all_reduce(flat, async_op=True)
        if sent is not None:
            _receive(*sent)
        sent = bucket, flat, work
    if sent is not None:
        _receive(*sent)


def _receive(bucket: Sequence[Tensor], flat: Tensor, work: dist.Work) -> None:
    work.wait()
    for tensor, total in zip(bucket, torch.split(flat, [tensor.numel() for tensor in bucket]), strict=True):
        tensor.copy_(total.view_as(tensor))


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors of one type together, about ``BUCKET_BYTES`` at a time, in their order."""
    bucket: list[Tensor] = []
    size = 0
    for tensor in tensors:
        if bucket and (tensor.dtype != bucket[0].dtype or size >= BUCKET_BYTES):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.numel() * tensor.element_size()
    if bucket:
        yield bucket


@contextmanager
def joined() -> Iterator[Group]:
    """The group that this process belongs to; left at the end."""
    if not dist.is_torchelastic_launched():
        yield Alone()
        return
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
    try:
        yield Ranks()
    finally:
        dist.destroy_process_group()


def slots_of(group: Group, config: TrainConfig, source: Callable[[random.Random, int, int], Source]) -> list[Slot]:
    """This process's ``config.accumulate`` slots. ``source`` gets a slot's chance, its number, and how many all are.

    A slot's number, not the process that has it, decides what it draws.
    """
    slots = []
    for number in range(group.rank * config.accumulate, (group.rank + 1) * config.accumulate):
        rng = random.Random(f"{config.seed}/{number}" if number else config.seed)
        slots.append(Slot(source(rng, number, group.size * config.accumulate), rng))
    return slots
