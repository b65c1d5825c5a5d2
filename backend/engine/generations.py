"""Rules of automatic generation: how its images are cut into jobs, which step may follow which, speed and time left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# A job does few images and then asks for the next one, so embeddings that people wait for come between. As many jobs
# as there are lanes wait or run at once; more would only stand before other work.
CHUNK: Final = 8
LANES: Final = (("", "4"), ("4", "8"), ("8", "c"), ("c", "g"))  # of image ids, which are random hexadecimal digits

Action = Literal["pause", "resume", "cancel", "retry"]
BEFORE: Final[dict[Action, tuple[str, ...]]] = {
    "pause": ("queued", "running"),
    "resume": ("paused",),
    "cancel": ("queued", "running", "paused"),
    "retry": ("done",),
}
AFTER: Final[dict[Action, str]] = {"pause": "paused", "resume": "running", "cancel": "cancelled", "retry": "running"}
WORKING: Final = ("queued", "running")
UNFINISHED: Final = ("queued", "running", "paused")


@dataclass(frozen=True)
class Pace:
    """How fast a generation is; None where nothing is known yet, or nothing is left to wait for."""

    images_per_minute: float | None
    seconds_left: float | None


def pace(waiting: int, done: int, seconds: float, at_once: int) -> Pace:
    """From the ``seconds`` of work that ``done`` images took, with ``at_once`` images under way at a time."""
    if not done or seconds <= 0:
        return Pace(None, None)
    each = seconds / (done * max(1, at_once))
    return Pace(60.0 / each, waiting * each if at_once else None)


@dataclass(frozen=True)
class Thresholds:
    """What a proposal must reach to be shown as confident; None sets no limit."""

    min_predicted_iou: float | None = None
    min_stability: float | None = None

    def met(self, predicted_iou: float | None, stability: float | None) -> bool:
        """Whether both scores are at least their limits; a score that is missing fails any limit."""
        return _reaches(predicted_iou, self.min_predicted_iou) and _reaches(stability, self.min_stability)


def _reaches(value: float | None, least: float | None) -> bool:
    return least is None or (value is not None and value >= least)
