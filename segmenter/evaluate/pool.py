"""The same work on many pictures, in processes; what comes back does not depend on how many.

A process ends with the one that began it, however that ended.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing import get_context, parent_process
from typing import TypeVar

import cv2
import torch

from segmenter.build import Model
from segmenter.checkpoint import load_model
from segmenter.manifest import find_weights

Report = Callable[[int, int], None]
In = TypeVar("In")
Out = TypeVar("Out")


def silent(done: int, total: int) -> None:
    """A report that nobody hears."""


def _use_threads(of_torch: int, of_opencv: int) -> None:
    torch.set_num_threads(of_torch)
    cv2.setNumThreads(of_opencv)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    _use_threads(1, 1)
    try:
        yield
    finally:
        _use_threads(*before)


def _begin() -> None:
    """A process of the pool begins."""
    _use_threads(1, 1)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def spread(work: Callable[[In], Out], items: Sequence[In], jobs: int, report: Report = silent) -> Iterator[Out]:
    """``work(item)`` of every item, in order; ``work`` is a function of a module, or a partial of one.

    Every process computes with one thread; one job is done in this process. What the work raises is raised here;
    OSError where a process was ended from outside. What ``report`` raises ends it: no other item is begun.
    """
    if jobs == 1 or len(items) < 2:
        with _one_thread():
            for done, item in enumerate(items, 1):
                yield work(item)
                report(done, len(items))
        return
    with ProcessPoolExecutor(min(jobs, len(items)), get_context("spawn"), _begin) as pool:
        try:
            for done, found in enumerate(pool.map(work, items), 1):
                yield found
                report(done, len(items))
        except BrokenProcessPool as error:
            raise OSError(
                "a process of the evaluation was ended, perhaps for lack of memory: try fewer --jobs"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@cache
def loaded(model: str) -> Model:
    """The model of a name or file, once in a process: loaded with the first picture, used for all."""
    return load_model(find_weights(model))


def _with_model(work: Callable[[Model, In], Out], model: str, item: In) -> Out:
    return work(loaded(model), item)


def each(
    work: Callable[[Model, In], Out], items: Sequence[In], model: str, jobs: int, report: Report = silent
) -> Iterator[Out]:
    """:func:`spread` of ``work(model, item)``; ``model`` is a name or file."""
    return spread(partial(_with_model, work, model), items, jobs, report)
