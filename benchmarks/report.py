"""What every benchmark says: the machine it saw, and its comparisons as JSON lines."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np


def machine() -> str:
    """Processor, cores, memory and the load at the moment: figures are worth nothing without them."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load {load:.1f}"


def has_amx() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself: the goals of low precision hold only there."""
    information = Path("/proc/cpuinfo")
    return information.exists() and "amx_bf16" in information.read_text(encoding="utf-8")


def cpu_milliseconds(repeat: int, *actions: Callable[[], object]) -> list[float]:
    """Median processor time of each action, after one round that is not counted.

    They take turns, so what else the machine does disturbs all of them alike.
    """
    times = np.empty((repeat + 1, len(actions)))
    for turn in times:
        for place, action in enumerate(actions):
            started = time.process_time()
            action()
            turn[place] = 1000 * (time.process_time() - started)
    return [float(median) for median in np.median(times[1:], axis=0)]


def percentiles(values: Sequence[float]) -> str:
    """Least, median and 95th percentile."""
    least, half, most = np.percentile(values, [0, 50, 95])
    return f"min {least:.0f}  p50 {half:.0f}  p95 {most:.0f}"


def compare(name: str, peer: str, ours: float, theirs: float, unit: str, goal: float) -> None:
    """Prints the comparison; ``ratio`` above 1 means that ours is better (both figures are costs)."""
    ratio = theirs / ours
    row = {"name": name, "peer": peer, "ours": round(ours, 3), "theirs": round(theirs, 3), "unit": unit}
    print(json.dumps(row | {"ratio": round(ratio, 3), "goal": goal}), flush=True)
