"""The policy of a project: when rounds start, what they train on, what a candidate must prove, when stages change.

Frozen dataclasses with all defaults. In the database it is a dict that holds what differs from them, so a better
default reaches the projects that never chose. Pure.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from backend.engine.gates import GateLimits

D = TypeVar("D")
TrainingMode = Literal["decoder", "full", "auto"]
TrainingSources = Literal["all", "human", "automatic"]
ConfidentSource = Literal["automatic", "detector"]
By = Literal["manual", "automatic"]


class BadPolicy(ValueError):
    """A policy that cannot be meant; the message names the field."""


@dataclass(frozen=True)
class Trigger:
    """When a round starts by itself: after so many new masks of people, and so many hours after the last one."""

    every_masks: int | None = None
    schedule_hours: float | None = None


@dataclass(frozen=True)
class Training:
    """What a round trains and on what.

    mode: only the mask decoder on kept embeddings, the whole model, or what the machine can do.
    human_weight: how often a mask that a person made counts against an automatic one (SAM, section 4: 10).
    exclude_actors: ids of annotators whose masks are left out.
    include_older: also masks that an earlier round trained on already.
    held_out_share: of the groups of images, which are never trained on; what the first round held out stays so.
    """

    mode: TrainingMode = "auto"
    minutes: float = 5.0
    human_weight: float = 10.0
    exclude_actors: tuple[str, ...] = ()
    sources: TrainingSources = "all"
    include_older: bool = True
    held_out_share: float = 0.2


@dataclass(frozen=True)
class Confident:
    """Which proposals an annotator finds on an image in the semi-automatic stage (SAM, section 4).

    None: what suits the model's family, see ``CONFIDENT`` of :mod:`segmenter.automask_config`; stricter than what
    automatic generation keeps, since nobody should have to remove many.
    """

    source: ConfidentSource = "automatic"
    min_predicted_iou: float | None = None
    min_stability: float | None = None


@dataclass(frozen=True)
class Proposing:
    """How proposals are made anew when another model version begins to serve a project that works with them.

    by_itself: at once, on the images that nobody completed; else only when somebody asks.
    points_per_side: of the grid of points; None: as the model's family has it. min_box_score: of a detector's boxes.
    """

    by_itself: bool = True
    points_per_side: int | None = None
    min_box_score: float = 0.3


@dataclass(frozen=True)
class StageNeeds:
    """What must be reached to leave a stage; None asks for nothing.

    masks: accepted ones that were made in the stage. rounds: promoted since it began. acceptance: share of the
    proposals decided since then that were accepted as they were. audit: share of the masks of the last closed audit
    whose IoU with their correction is above 0.90 (SAM, section 4: 0.94).
    """

    masks: int | None = None
    rounds: int | None = None
    acceptance: float | None = None
    audit: float | None = None


@dataclass(frozen=True)
class StageRules:
    """What leads from one stage to the next, and who takes the step once it is due."""

    advance: By = "manual"
    assisted_manual: StageNeeds = StageNeeds(masks=500, rounds=1)
    semi_automatic: StageNeeds = StageNeeds(masks=1500, rounds=1, acceptance=0.9, audit=0.94)


@dataclass(frozen=True)
class ProjectPolicy:
    """Everything that a project decides for itself about the engine."""

    trigger: Trigger = field(default_factory=Trigger)
    training: Training = field(default_factory=Training)
    gates: GateLimits = field(default_factory=GateLimits)
    promotion: By = "manual"
    confident: Confident = field(default_factory=Confident)
    proposals: Proposing = field(default_factory=Proposing)
    stages: StageRules = field(default_factory=StageRules)


# Least and most of each number, by its path; a whole number or share without an entry would be a mistake of ours.
RANGES: dict[str, tuple[float, float]] = {
    "trigger.every_masks": (1, 1e9),
    "trigger.schedule_hours": (0.1, 1e5),
    "training.minutes": (0.1, 1e5),
    "training.human_weight": (0.01, 1000),
    "training.held_out_share": (0.01, 0.9),
    "gates.points": (0, 100),
    "gates.clicks": (0, 20),
    "gates.slice_points": (0, 100),
    "gates.slice_masks": (1, 1e6),
    "gates.mask_count": (0, 100),
    "gates.held_out_images": (1, 1e6),
    "gates.parity_logits": (0, 1),
    "gates.parity_iou": (0, 1),
    "confident.min_predicted_iou": (0, 1),
    "confident.min_stability": (0, 1),
    "proposals.points_per_side": (1, 128),
    "proposals.min_box_score": (0, 1),
    **{
        f"stages.{stage}.{need}": (0, most)
        for stage in ("assisted_manual", "semi_automatic")
        for need, most in (("masks", 1e9), ("rounds", 1e6), ("acceptance", 1), ("audit", 1))
    },
}


def of_project(stored: Mapping[str, Any]) -> ProjectPolicy:
    """The policy that a dict says; what it leaves out has its default. Raises BadPolicy."""
    return _read(ProjectPolicy(), stored, "")


def as_dict(policy: ProjectPolicy) -> dict[str, Any]:
    """All fields, as JSON knows them."""
    return cast("dict[str, Any]", _plain(dataclasses.asdict(policy)))


def chosen(policy: ProjectPolicy) -> dict[str, Any]:
    """What is not as by default: what the database keeps."""
    return _difference(as_dict(policy), as_dict(ProjectPolicy()))


def _read(before: D, told: Any, path: str) -> D:
    """`before` with the fields that are told."""
    if not isinstance(told, Mapping):
        raise BadPolicy(f"{path[:-1] or 'The policy'} must be an object.")
    hints = get_type_hints(type(before))
    unknown = sorted(set(map(str, told)) - set(hints))
    if unknown:
        raise BadPolicy(f"The policy knows no {path}{unknown[0]}.")
    read = {name: _value(hints[name], getattr(before, name), value, f"{path}{name}") for name, value in told.items()}
    return cast("D", dataclasses.replace(cast("Any", before), **read))


def _value(hint: Any, before: Any, told: Any, path: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _read(before, told, f"{path}.")
    if get_origin(hint) in (types.UnionType, Union):
        kinds = get_args(hint)
        return (
            None if told is None else _value(next(kind for kind in kinds if kind is not type(None)), None, told, path)
        )
    if get_origin(hint) is Literal:
        if told not in get_args(hint):
            raise BadPolicy(f"{path} must be one of: {', '.join(get_args(hint))}.")
        return told
    if get_origin(hint) is tuple:
        return _texts(told, path)
    if hint is bool:
        if not isinstance(told, bool):
            raise BadPolicy(f"{path} must be true or false.")
        return told
    return _number(hint, told, path)


def _texts(told: Any, path: str) -> tuple[str, ...]:
    if not isinstance(told, list | tuple) or not all(isinstance(one, str) and len(one) <= 80 for one in told):
        raise BadPolicy(f"{path} must be a list of ids.")
    return tuple(sorted(set(told)))


def _number(hint: type[int] | type[float], told: Any, path: str) -> float:
    least, most = RANGES[path]
    right = isinstance(told, int if hint is int else int | float) and not isinstance(told, bool)
    if not right or not least <= told <= most:  # so is not-a-number refused
        kind = "a whole number" if hint is int else "a number"
        raise BadPolicy(f"{path} must be {kind} from {least:g} to {most:g}.")
    return hint(told)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in now.items():
        if isinstance(value, Mapping):
            if inner := _difference(value, before[name]):
                found[name] = inner
        elif value != before[name]:
            found[name] = value
    return found
