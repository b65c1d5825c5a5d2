"""Rules of rounds: which state follows which, when one begins by itself, what it trains on, and how. Pure.

    frozen -> training -> trained -> evaluating -> judged -> promoted | rejected
       \\_________\\__________\\___________\\________ failed | cancelled        judged -> evaluating (again)

A round whose candidate was made elsewhere goes from frozen to trained at once.
"""

from __future__ import annotations

from typing import Final, Literal

State = Literal["frozen", "training", "trained", "evaluating", "judged", "promoted", "rejected", "failed", "cancelled"]
Action = Literal["train", "finish_training", "evaluate", "judge", "promote", "reject", "fail", "cancel", "retry"]
Trigger = Literal["masks", "schedule"]
Mode = Literal["decoder", "full"]
Sources = Literal["all", "human", "automatic"]

UNFINISHED: Final[tuple[State, ...]] = ("frozen", "training", "trained", "evaluating")
WORKING: Final[tuple[State, ...]] = ("frozen", "training", "evaluating")  # a job is at it; `trained` rests
BEFORE: Final[dict[Action, tuple[State, ...]]] = {
    "train": ("frozen",),
    "finish_training": ("frozen", "training"),
    "evaluate": ("trained", "judged"),
    "judge": ("evaluating",),
    "promote": ("judged",),
    "reject": ("judged",),
    "fail": WORKING,
    "cancel": UNFINISHED,
    "retry": ("failed",),
}
AFTER: Final[dict[Action, State]] = {
    "train": "training",
    "finish_training": "trained",
    "evaluate": "evaluating",
    "judge": "judged",
    "promote": "promoted",
    "reject": "rejected",
    "fail": "failed",
    "cancel": "cancelled",
}
AUTOMATIC: Final = ("automatic", "detector")  # sources of masks that the model made by itself


class IllegalMove(ValueError):
    """The round is not in a state in which this can be done."""


def after(state: State, action: Action, kind: str = "") -> State:
    """The state after an action; IllegalMove where it cannot be. A retry goes back to what the job ``kind`` does."""
    if state not in BEFORE[action]:
        raise IllegalMove(f"a round that is {state} cannot {action.replace('_', ' ')}")
    if action == "retry":
        return {"freeze": "frozen", "train": "training", "evaluate": "evaluating"}[kind]  # type: ignore[return-value]
    return AFTER[action]


def due(every_masks: int | None, schedule_hours: float | None, new_masks: int, hours: float) -> Trigger | None:
    """Why a round should begin now, or None.

    ``new_masks`` are the accepted masks and ``hours`` the time since the last round of any outcome began: one that
    failed is not begun again at once. Without a new mask there is nothing to learn.
    """
    if every_masks is not None and new_masks >= max(1, every_masks):
        return "masks"
    if schedule_hours is not None and new_masks > 0 and hours >= schedule_hours:
        return "schedule"
    return None


def training_mode(wanted: Literal["decoder", "full", "auto"], has_gpu: bool) -> Mode:
    """What learns: the whole model only where somebody asks for it, or there is a GPU to do it in minutes."""
    if wanted == "auto":
        return "full" if has_gpu else "decoder"
    return wanted


def learned_from(source: str, state: str, wanted: Sources, confident: bool = False) -> bool:
    """Whether a mask of this source and state is trained on.

    Accepted masks are; of what the model proposed and nobody looked at only what it is ``confident`` of, where
    :func:`learns_from_proposals`. "human": only what people drew; "automatic": only what the model made by itself.
    """
    automatic = source in AUTOMATIC
    if state != "accepted" and not (state == "proposed" and automatic and confident):
        return False
    return wanted == "all" or automatic == (wanted == "automatic")


def learns_from_proposals(stage: str, wanted: Sources) -> bool:
    """Whether confident proposals are trained on: in the last stage (paper, section 4), or where it is wanted."""
    return wanted == "automatic" or (wanted == "all" and stage == "fully_automatic")


def judged_by(source: str, state: str) -> bool:
    """Whether a held-out mask of this source and state is the truth that versions are compared with.

    Masks that the model made by itself are not, even accepted ones: they would favour the version that made them.
    """
    return state == "accepted" and source not in AUTOMATIC
