"""A child that never outlives its parent. Only the standard library, so that it starts in no time.

`python -m workers.child PARENT PROGRAM ...` becomes the program; `python -m workers.child PARENT -Q cpu,gpu` becomes
an embedded worker with these queues.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """End this process when `parent` ends, even by SIGKILL. Linux does it; what it was told survives an exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def watch(parent: int) -> None:
    """The same for systems whose kernel does not do it, from a thread."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=look, name="parent-watch", daemon=True).start()


def main(parent: int, program: list[str]) -> None:
    die_with(parent)
    if program[0] != "-Q":
        os.execv(program[0], program)  # noqa: S606 - an argument list that the parent built; there is no shell
    watch(parent)
    os.nice(3)  # the page that somebody clicks in goes before the images that wait
    from workers.celery_app import embedded_worker

    embedded_worker(tuple(program[1].split(",")))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
