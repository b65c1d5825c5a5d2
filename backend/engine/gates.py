"""The gates between a trained candidate and the annotators: figures in, a report in words out. Pure.

Two kinds of gates. *Integrity*: is this candidate whole, and is the comparison honest? Nobody can override a failure.
*Quality*: is it at least as good as the active version on images neither ever learned from? People can override that,
with a reason. Whatever was not measured, or is not a number, does not pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Decision = Literal["promote", "reject", "insufficient_evidence"]
Kind = Literal["integrity", "quality"]
SliceKind = Literal["size", "source", "category"]
CLICKS: Final = (1, 3, 5)
NOC: Final = "noc@85"
COMPARED: Final = (*(f"miou@{clicks}" for clicks in CLICKS), NOC)


@dataclass(frozen=True)
class GateLimits:
    """What a candidate may lose at most. Points are hundredths of IoU.

    points: of the lower end of the 95 % interval of the difference in mIoU after 1, 3 and 5 clicks.
    clicks: of the upper end of the 95 % interval of the difference in clicks needed for 85 % IoU.
    slice_points: of the mean of these mIoU in any slice that has at least ``slice_masks`` masks.
    mask_count: share by which the number of automatic masks may differ.
    held_out_images: below this many, differences prove nothing.
    parity_logits, parity_iou: the exported decoder beside torch, relative to the scale of the logits.
    """

    points: float = 0.5
    clicks: float = 1.0
    slice_points: float = 2.0
    slice_masks: int = 30
    mask_count: float = 0.3
    held_out_images: int = 50
    parity_logits: float = 2e-3
    parity_iou: float = 0.995


@dataclass(frozen=True)
class Compared:
    """A mean of both versions over the same masks (IoU 0..1, or clicks), and the 95 % interval of the difference
    candidate minus active."""

    candidate: float
    active: float
    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """A part of the held-out masks; both means are of IoU (0..1) after 1, 3 and 5 clicks."""

    kind: SliceKind
    name: str
    masks: int
    candidate: float
    active: float


@dataclass(frozen=True)
class MaskCounts:
    """Automatic masks that both versions keep on the same images."""

    candidate: int
    active: int
    images: int


@dataclass(frozen=True)
class Parity:
    """The exported decoder beside torch: largest difference of logits as a share of their scale, least IoU of masks."""

    logits: float
    iou: float


@dataclass(frozen=True)
class GateFigures:
    """What was found out about a candidate. None means: not measured, and does not pass.

    refusal: why the release cannot be used (files missing, changed, not fitting); "" when every file is what it says.
    same_architecture: whether the candidate's configuration is that of the version it was trained from.
    done_share: of the minutes or steps that the round planned, what the trainer's own record shows.
    snapshot_digest, trained_digest: what the round froze, and what the training says it learned from.
    leaked_images: held-out images whose pixels are among those trained on.
    made_elsewhere: no round trained it, so nobody here knows how, and on what; a person may vouch for that.
    compared: by the names in ``COMPARED``.
    """

    refusal: str | None = None
    finite: bool | None = None
    same_architecture: bool | None = None
    parity: Parity | None = None
    done_steps: int | None = None
    done_share: float | None = None
    snapshot_digest: str | None = None
    trained_digest: str | None = None
    leaked_images: int | None = None
    made_elsewhere: bool = False
    held_out_images: int = 0
    held_out_masks: int = 0
    compared: Mapping[str, Compared] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    mask_counts: MaskCounts | None = None


@dataclass(frozen=True)
class Gate:
    """One line of the report. ``figures`` are JSON-ready numbers; ``words`` are for people."""

    name: str
    kind: Kind
    passed: bool
    words: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GateReport:
    """All gates and what follows. ``overridable``: a person may promote it all the same, with a reason."""

    decision: Decision
    overridable: bool
    words: str
    gates: tuple[Gate, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as it is stored and shown; numbers that are none become null."""
        found = asdict(self) | {"gates": [asdict(gate) for gate in self.gates]}
        return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):  # numpy's kinds of numbers and truths, which JSON does not know
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def judge(figures: GateFigures, limits: GateLimits = GateLimits()) -> GateReport:
    """The report on a candidate. Equal figures and limits give an equal report."""
    integrity = tuple(_integrity(figures, limits))
    evidence = _evidence(figures, limits)
    quality = tuple(_quality(figures, limits))
    gates = (*integrity, evidence, *quality)
    whole = all(gate.passed for gate in integrity)
    failed = [gate for gate in gates if not gate.passed]
    if not whole:
        return GateReport("reject", False, "The candidate cannot be used: " + _first(failed), gates)
    if not evidence.passed:
        return GateReport("insufficient_evidence", True, evidence.words, gates)
    if failed:
        words = "The candidate should not replace the active version: " + _first(failed)
        return GateReport("reject", True, words, gates)
    words = "The candidate is whole and nowhere worse than allowed: it may be promoted."
    return GateReport("promote", True, words, gates)


def _first(failed: list[Gate]) -> str:
    words = failed[0].words
    return words[0].lower() + words[1:] + (f" ({len(failed) - 1} more below.)" if len(failed) > 1 else "")


# --- integrity ------------------------------------------------------------------------------------------------------


def _integrity(found: GateFigures, limits: GateLimits) -> list[Gate]:
    gates = [
        _files(found),
        _flag("weights", found.finite, "Every weight is a number.", "Some weights are not numbers: training broke."),
        _parity(found.parity, limits),
        _held_out(found),
    ]
    return gates if found.made_elsewhere else [*gates, *_lineage(found)]


def _lineage(found: GateFigures) -> list[Gate]:
    """What a round's own training must prove."""
    architecture = _flag(
        "architecture",
        found.same_architecture,
        "The model is built as the version it was trained from.",
        "The model is built differently from the version it was trained from.",
    )
    return [architecture, _training(found), _snapshot(found)]


def _files(found: GateFigures) -> Gate:
    if found.refusal is None:
        return _unknown("files", "integrity", "the files of the release")
    words = f"The files cannot be used: {found.refusal}" if found.refusal else "Every file is there and unchanged."
    return Gate("files", "integrity", not found.refusal, words)


def _flag(name: str, value: bool | None, good: str, bad: str) -> Gate:
    if value is None:
        return _unknown(name, "integrity", f"the {name}")
    return Gate(name, "integrity", value, good if value else bad)


def _unknown(name: str, kind: Kind, what: str) -> Gate:
    return Gate(name, kind, False, f"Nobody could measure {what}.")


def _parity(parity: Parity | None, limits: GateLimits) -> Gate:
    if parity is None:
        return _unknown("decoder", "integrity", "whether the browser's decoder gives the same masks")
    same = parity.logits <= limits.parity_logits and parity.iou >= limits.parity_iou
    words = "The browser's decoder gives the same masks as the trained model."
    if not same:
        words = "The browser's decoder gives other masks than the trained model."
    return Gate("decoder", "integrity", same, words, {"logits": parity.logits, "iou": parity.iou})


def _training(found: GateFigures) -> Gate:
    if found.done_steps is None or found.done_share is None:
        return _unknown("training", "integrity", "whether training came to its end")
    done, steps = found.done_share >= 1 and found.done_steps > 0, _count(found.done_steps, "step")
    words = f"Training came to its end: {steps}."
    if not done:
        words = f"Training did not come to its end: {_share(found.done_share)} of what was planned, {steps}."
    figures = {"done_steps": found.done_steps, "done_share": found.done_share}
    return Gate("training", "integrity", done, words, figures)


def _snapshot(found: GateFigures) -> Gate:
    if not found.snapshot_digest or not found.trained_digest:
        return _unknown("snapshot", "integrity", "which images the model learned from")
    same = found.snapshot_digest == found.trained_digest
    words = "The model learned from exactly what this round froze."
    if not same:
        words = "The model learned from other data than this round froze."
    digests = {"snapshot": found.snapshot_digest, "trained": found.trained_digest}
    return Gate("snapshot", "integrity", same, words, digests)


def _held_out(found: GateFigures) -> Gate:
    if found.leaked_images is None:
        return _unknown("held_out", "integrity", "whether test images were learned from")
    words = "No image of the comparison was ever learned from."
    if found.leaked_images:
        words = f"{_count(found.leaked_images, 'image')} of the comparison had been learned from, so it proves nothing."
    return Gate("held_out", "integrity", found.leaked_images == 0, words, {"leaked_images": found.leaked_images})


# --- quality --------------------------------------------------------------------------------------------------------


def _evidence(found: GateFigures, limits: GateLimits) -> Gate:
    enough = found.held_out_images >= limits.held_out_images
    seen = f"{_count(found.held_out_images, 'image')} with {_count(found.held_out_masks, 'mask')}"
    words = f"The comparison used {seen} that nobody learned from."
    if not enough:
        words = f"Too few images to be sure: {seen} are held out, {limits.held_out_images} images are needed."
    counts = {"images": found.held_out_images, "masks": found.held_out_masks, "needed": limits.held_out_images}
    return Gate("evidence", "quality", enough, words, counts)


def _quality(found: GateFigures, limits: GateLimits) -> list[Gate]:
    overlaps = [_overlap(clicks, found.compared.get(f"miou@{clicks}"), limits) for clicks in CLICKS]
    origin = [_origin(found)] if found.made_elsewhere else []
    return [
        *origin,
        *overlaps,
        _clicks(found.compared.get(NOC), limits),
        _slices(found, limits),
        _mask_count(found, limits),
    ]


def _origin(found: GateFigures) -> Gate:
    words = "This model was made elsewhere: nobody here knows what it learned from, so a person must vouch for it."
    if not found.same_architecture:
        words += " It is built differently from the active version."
    return Gate("origin", "quality", False, words, {"same_architecture": found.same_architecture})


def _overlap(clicks: int, one: Compared | None, limits: GateLimits) -> Gate:
    name, after = f"miou@{clicks}", _count(clicks, "click")
    if one is None:
        return _unknown(name, "quality", f"how good masks are after {after}")
    ours, theirs = _share(one.candidate, 1), _share(one.active, 1)
    words = (
        f"After {after} the candidate's masks overlap the true ones by {ours}, the active version's by {theirs}. The "
        f"difference is {_points(one.candidate - one.active)} points (95 % sure: {_points(one.low)} to "
        f"{_points(one.high)}); a loss of {limits.points:g} is allowed."
    )
    return Gate(name, "quality", _sound(one) and 100 * one.low >= -limits.points, words, _difference(one))


def _clicks(one: Compared | None, limits: GateLimits) -> Gate:
    if one is None:
        return _unknown(NOC, "quality", "how many clicks a good mask needs")
    words = (
        f"For a good mask (85 % overlap) the candidate needs {one.candidate:.2f} clicks, the active version "
        f"{one.active:.2f}. The difference is {_signed(one.candidate - one.active, 2)} (95 % sure: "
        f"{_signed(one.low, 2)} to {_signed(one.high, 2)}); {limits.clicks:g} more are allowed."
    )
    return Gate(NOC, "quality", _sound(one) and one.high <= limits.clicks, words, _difference(one))


def _sound(one: Compared) -> bool:
    return all(math.isfinite(value) for value in (one.candidate, one.active, one.low, one.high))


def _difference(one: Compared) -> dict[str, Any]:
    return asdict(one) | {"difference": one.candidate - one.active}


def _slices(found: GateFigures, limits: GateLimits) -> Gate:
    if not found.slices:
        return _unknown("slices", "quality", "small, medium and large objects by themselves")
    judged = [one for one in found.slices if one.masks >= limits.slice_masks]
    worse = [one for one in judged if not 100 * (one.candidate - one.active) >= -limits.slice_points]
    seen = f"{_count(len(judged), 'kind')} looked at, those with {limits.slice_masks} masks or more"
    words = f"No kind of object lost more than {limits.slice_points:g} points ({seen})."
    if worse:
        named = ", ".join(f"{_slice_name(one)} {_points(one.candidate - one.active)}" for one in worse)
        words = f"Some kinds of objects lost more than {limits.slice_points:g} points: {named}."
    rows = [
        asdict(one) | {"difference": one.candidate - one.active, "judged": one in judged, "passed": one not in worse}
        for one in found.slices
    ]
    return Gate("slices", "quality", not worse, words, {"slices": rows})


def _slice_name(one: Slice) -> str:
    return {"size": f"{one.name} objects", "source": f"masks made by {one.name}", "category": f"“{one.name}”"}[one.kind]


def _mask_count(found: GateFigures, limits: GateLimits) -> Gate:
    counts = found.mask_counts
    if counts is None or not counts.images:
        return _unknown("mask_count", "quality", "how many masks the candidate finds by itself")
    passed = abs(counts.candidate - counts.active) <= limits.mask_count * counts.active
    words = (
        f"By itself the candidate finds {_count(counts.candidate, 'mask')} on {_count(counts.images, 'image')}, the "
        f"active version {counts.active}; {_share(limits.mask_count)} more or fewer are allowed."
    )
    return Gate("mask_count", "quality", passed, words, asdict(counts))


def _points(difference: float) -> str:
    return _signed(100 * difference, 1)


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _share(value: float, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f} %"


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"
