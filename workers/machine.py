"""How a process that runs a model uses the machine: its threads and its memory. The one place for both.

Workers, the command line and the benchmarks call :func:`settle` before torch is imported.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT_BYTES = 2**31 - 1
MAPPED_BYTES = 2**25  # 32 MiB, the most that glibc accepts
PROCESS_BYTES = 2**30
PICTURES_A_PROCESS = 4


def settle() -> None:
    """Threads that wait sleep, and freed memory is kept for the next tensor."""
    # By default threads spin while they wait for each other, which on a machine with other work makes everything
    # 20 to 40 times slower (measured on two cores with one busy: 13 s instead of 0.4 s an image).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_memory()


def keep_memory() -> bool:
    """Takes blocks below 32 MiB from the heap and keeps up to 2 GiB of it when freed; whether the C library can.

    By default glibc maps every large tensor anew and gives it back at once: the kernel then clears each page again,
    which costs a third to a half of all processor time. Larger blocks, those of a big encoder, are still mapped: their
    pages cost little beside the work on them, and on the heap they leave holes that add up to 0.7 GiB. The environment
    is left alone, so children are not affected, and somebody's own ``MALLOC_...`` variables are respected.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # a C library without it, musl for one
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)) and bool(mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))


def processes(cores: int, free_bytes: int, pictures: int, model_bytes: int) -> int:
    """How many processes of one thread should share work on pictures, each with a model from a file of so many bytes.

    One a core, as far as memory goes (PyTorch, the model in float32 and what it computes), and none for less pictures
    than its start costs.
    """
    fitting = free_bytes // (PROCESS_BYTES + 4 * model_bytes)
    return max(1, min(cores, fitting, pictures // PICTURES_A_PROCESS))


def free_bytes() -> int:
    """Memory that this process may still take: what the machine has available, or its container where that is less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")] if hasattr(os, "sysconf") else [2**30]
    information, group = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
    if information.exists():
        line = next(line for line in information.read_text().splitlines() if line.startswith("MemAvailable:"))
        found = [1024 * int(line.split()[1])]
    if (group / "memory.max").exists() and (most := (group / "memory.max").read_text().strip()) != "max":
        found.append(int(most) - int((group / "memory.current").read_text()))
    return max(0, min(found))


def usable_cores() -> int:
    """Cores that this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
