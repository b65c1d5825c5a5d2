"""What a run shows in the terminal, and how it is stopped from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any


@contextmanager
def progress_bar(shown: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar that takes the lines of metrics."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, disable=not shown) as progress:
        task = progress.add_task("training", total=1.0)

        def report(metrics: dict[str, Any]) -> None:
            parts = [f"step {metrics['step']}", f"{metrics['images_per_second']} images/s"]
            if "loss" in metrics:
                parts.append(f"loss {metrics['loss']:.4g}")
            if "best_of_three_first" in metrics:
                parts.append(f"IoU {metrics['best_of_three_first']:.2f} → {metrics['iou_last']:.2f}")
            parts.append(f"{timedelta(seconds=metrics['eta_seconds'])} left")
            progress.update(task, completed=metrics["progress"], description=", ".join(parts))

        yield report


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked to stop: a first SIGTERM or Ctrl+C is heard here, a second one ends the process."""
    import signal

    asked: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def heard(number: int, _: object) -> None:
        asked.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, heard)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
