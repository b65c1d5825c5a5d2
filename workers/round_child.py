"""The process that trains a round: a plan in, a release folder out. It has no database; its parent looks after it.

`python -m workers.round_child FOLDER` reads `plan.json` there. It ends with 0 and a whole release in `release/`, or
with the reason in `failure.txt`: 3 where trying again would give the same, 1 else. Killed at any time, it goes on from
its last checkpoint when it is started again.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from segmenter.checkpoint import Precision
    from segmenter.training.rounds import RoundPlan

PLAN, FAILURE, RELEASE = "plan.json", "failure.txt", "release"
FINAL: Final = 3
LOCK_SECONDS: Final = 120.0


def main(folder: Path) -> int:
    from workers.machine import settle

    settle()
    told = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    (folder / FAILURE).unlink(missing_ok=True)
    try:
        with _alone(folder / "lock"):
            _train(told, folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it to people
        (folder / FAILURE).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        return FINAL if isinstance(error, FloatingPointError | ValueError) else 1
    return 0


def _train(told: dict[str, Any], folder: Path) -> None:
    import torch

    from segmenter.export import write_release
    from segmenter.training.rounds import plan_of, train_round

    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    plan = plan_of(told["plan"])
    if plan.recipe.threads:
        torch.set_num_threads(plan.recipe.threads)
    weights = train_round(plan, stop=lambda: bool(asked))
    release = folder / RELEASE
    manifest = write_release(weights, told["name"], told["version"], release, _precision(plan), with_encoder=False)
    if plan.recipe.mode == "decoder" and manifest["encoder_digest"] != told["encoder_digest"]:
        raise ValueError("the image encoder changed although only the decoder was to learn")


def _precision(plan: RoundPlan) -> Precision:
    """That of the weights it went on from: an encoder that was frozen must stay what it was, to the last bit."""
    import torch

    from segmenter.checkpoint import load_weights

    state, _ = load_weights(plan.weights)
    matrices = (value for value in state.values() if value.ndim > 1 and value.is_floating_point())
    return "half" if all(torch.equal(value.half().to(value.dtype), value) for value in matrices) else "full"


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Waits until no other process trains in this folder: one whose worker lost its lease ends within seconds."""
    with file.open("a") as held:
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TimeoutError("another process still trains this round") from None
                time.sleep(0.5)
        yield


if __name__ == "__main__":
    os.nice(2)  # the page that somebody clicks in goes first
    sys.exit(main(Path(sys.argv[1])))
