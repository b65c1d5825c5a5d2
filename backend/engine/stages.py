"""How a project goes from stage to stage: a step at a time, forward by a rule or a person, back by a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from backend.engine.policy import StageNeeds, StageRules

Stage = Literal["assisted_manual", "semi_automatic", "fully_automatic"]
STAGES: Final[tuple[Stage, ...]] = ("assisted_manual", "semi_automatic", "fully_automatic")
ConditionName = Literal["masks", "rounds", "acceptance", "audit"]
MIN_DECISIONS: Final = 20  # of fewer decided proposals, or audited masks, a share says nothing


@dataclass(frozen=True)
class Numbers:
    """What a project has reached in its stage (see `StageNeeds` for what each counts).

    `accepted` of `decided` proposals; `above` of `audited` masks of the last closed audit.
    """

    masks: int = 0
    rounds: int = 0
    decided: int = 0
    accepted: int = 0
    audited: int = 0
    above: int = 0

    def of(self, name: ConditionName) -> float | None:
        """The number that a condition looks at; None while too little was observed for a share."""
        if name == "acceptance":
            return _share(self.accepted, self.decided)
        if name == "audit":
            return _share(self.above, self.audited)
        return self.masks if name == "masks" else self.rounds


@dataclass(frozen=True)
class Condition:
    """One line of a rule: what there is and what is needed."""

    name: ConditionName
    now: float | None
    needed: float
    met: bool


@dataclass(frozen=True)
class Rule:
    """What leads to the next stage; `due` when every condition is met. A rule without conditions is never due."""

    to_stage: Stage | None
    conditions: tuple[Condition, ...]
    due: bool


def rule(stage: Stage, rules: StageRules, numbers: Numbers) -> Rule:
    """The rule that leads out of `stage`, beside the numbers; the last stage has none."""
    ahead = after(stage)
    if ahead is None:
        return Rule(None, (), False)
    needs = rules.assisted_manual if stage == "assisted_manual" else rules.semi_automatic
    conditions = tuple(_conditions(needs, numbers))
    return Rule(ahead, conditions, bool(conditions) and all(condition.met for condition in conditions))


def after(stage: Stage) -> Stage | None:
    """The next stage; None after the last."""
    place = STAGES.index(stage) + 1
    return STAGES[place] if place < len(STAGES) else None


def before(stage: Stage) -> Stage | None:
    """The stage before; None before the first."""
    place = STAGES.index(stage)
    return STAGES[place - 1] if place else None


def may_go(from_stage: Stage, to_stage: Stage) -> bool:
    """Whether a person may take this step: to a neighbour, either way."""
    return to_stage in (after(from_stage), before(from_stage))


def _conditions(needs: StageNeeds, numbers: Numbers) -> list[Condition]:
    found: list[Condition] = []
    for name in ("masks", "rounds", "acceptance", "audit"):
        wanted: Any = getattr(needs, name)
        if wanted is not None:
            now = numbers.of(name)
            found.append(Condition(name, now, wanted, now is not None and now >= wanted))
    return found


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole >= MIN_DECISIONS else None
