"""Rules of jobs: where each kind runs, how often it is tried, how long to wait."""

from __future__ import annotations

from typing import Final

MAX_ATTEMPTS: Final = 3

# A queue says what a worker needs: `gpu` jobs run the model and are faster where an accelerator is, `cpu` jobs are not;
# `train` jobs take minutes.
QUEUE_OF_KIND: Final = {
    "ingest": "cpu",
    "embed": "gpu",
    "export": "cpu",
    "withdraw": "cpu",
    "renew": "cpu",
    "follow": "cpu",
    "generate": "gpu",
    "prepare_ratings": "gpu",
    "train_detector": "train",
    "freeze": "cpu",
    "train": "train",
    "evaluate": "train",
}
QUEUES: Final = ("cpu", "gpu", "train")


def retry_seconds(attempts: int) -> float:
    """Wait before the next try of a job that failed `attempts` times: 2, 20 ... at most 300 seconds."""
    return min(300.0, 2.0 * 10.0 ** max(0, attempts - 1))


def resend_seconds(sent_count: int, base: float) -> float:
    """Silence after which an unclaimed job is announced again: `base` doubled each time, at most 64 times `base`.

    Without the doubling a long queue announces every waiting job in each round of the recovery loop.
    """
    return base * float(2 ** min(6, max(0, sent_count - 1)))
