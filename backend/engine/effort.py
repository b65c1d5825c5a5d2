"""What masks cost: seconds, clicks and brush edits per mask, masks per image, and what became of proposals.

Reads annotations as they are kept (nothing is ever overwritten), so the whole history counts. Time and clicks are those
spent in a group, also on masks that were deleted or edited later; masks are those begun in the group that still stand.
The paper's numbers beside ours: Segment Anything, section 4 (sam.md section 3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from backend.engine import intervals
from backend.engine.intervals import Figure

ALIVE: Final = ("accepted", "proposed")
DECISIONS: Final = ("accepted", "corrected", "rejected")


@dataclass(frozen=True)
class Work:
    """One annotation: whose it is (a person's or a machine's proposal), what it replaces and what it took.

    `decider` is who accepted or rejected a proposal. `stage` is the project's when the annotation was made.
    """

    id: str
    image_id: str
    by_person: bool
    actor: str | None
    state: str
    supersedes: str | None = None
    decider: str | None = None
    stage: str | None = None
    version: str | None = None
    active_seconds: float = 0.0
    wall_seconds: float = 0.0
    clicks: int = 0
    brush_edits: int = 0


@dataclass(frozen=True)
class Pile:
    """Masks on one image that a machine made and nobody has decided on: they count in the fully automatic stage."""

    image_id: str
    stage: str | None
    version: str | None
    masks: int


@dataclass
class _Cell:
    """What one group did on one image."""

    active_seconds: float = 0.0
    wall_seconds: float = 0.0
    clicks: int = 0
    brush_edits: int = 0
    rows: int = 0  # annotations by people
    drawn: int = 0  # masks begun by people that stand
    accepted: int = 0  # proposals accepted as they are, or standing where nobody decides


@dataclass
class _Group:
    cells: dict[str, _Cell] = field(default_factory=lambda: defaultdict(_Cell))
    decisions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DECISIONS, 0))


@dataclass(frozen=True)
class Row:
    """One line of the table: `key` is the stage, model version or person, None where the annotations name none."""

    key: str | None
    images: int
    masks: int
    figures: tuple[Figure, ...]


Key = Callable[[Work | Pile], str | None]


def clicks(prompts: Iterable[Mapping[str, Any]]) -> int:
    """How often somebody pointed: points that add or take away, and boxes, each once."""
    return sum(
        prompt["kind"] == "box" or (prompt["kind"] == "point" and prompt.get("label") in (0, 1)) for prompt in prompts
    )


def by_stage(work: Work | Pile) -> str | None:
    return work.stage


def by_version(work: Work | Pile) -> str | None:
    return work.version


def by_person(work: Work | Pile) -> str | None:
    """Who drew the mask, or decided on the proposal."""
    if isinstance(work, Pile):
        return None
    return work.actor if work.by_person else work.decider


def table(works: Sequence[Work], piles: Sequence[Pile], key: Key) -> list[Row]:
    """A row for each value of `key`, sorted by it, the nameless last."""
    groups: dict[str | None, _Group] = defaultdict(_Group)
    standing = _standing(works)
    persons = {work.id for work in works if work.by_person}
    edits = {work.supersedes: work for work in works if work.by_person and work.supersedes}
    corrected = {name: work for name, work in edits.items() if name not in persons}
    for work in works:
        if work.by_person:
            _add_work(groups[key(work)].cells[work.image_id], work, work.id in standing)
        elif outcome := _decision(work, corrected):
            decided, decider = outcome
            group = groups[key(replace(work, decider=decider))]
            group.decisions[decided] += 1
            group.cells[work.image_id].accepted += decided == "accepted"
    for pile in piles:
        groups[key(pile)].cells[pile.image_id].accepted += pile.masks
    return [_row(name, groups[name]) for name in sorted(groups, key=lambda name: (name is None, name or ""))]


def _standing(works: Sequence[Work]) -> set[str]:
    """First rows of the chains of edits by people whose last row is alive."""
    persons = {work.id: work for work in works if work.by_person}
    found = set()
    for work in persons.values():
        if work.state not in ALIVE:
            continue
        while work.supersedes in persons:
            work = persons[work.supersedes]
        found.add(work.id)
    return found


def _add_work(cell: _Cell, work: Work, stands: bool) -> None:
    cell.active_seconds += work.active_seconds
    cell.wall_seconds += work.wall_seconds
    cell.clicks += work.clicks
    cell.brush_edits += work.brush_edits
    cell.rows += 1
    cell.drawn += stands


def _decision(work: Work, corrected: Mapping[str, Work]) -> tuple[str, str | None] | None:
    """What a person decided on a proposal, and who; None if nobody has (a newer version may have replaced it)."""
    if work.state == "superseded" and work.id in corrected:
        return "corrected", corrected[work.id].actor
    if work.decider is not None and work.state in ("accepted", "rejected"):
        return work.state, work.decider
    return None


def _decided_by(work: Work, decider: str | None) -> Work:
    return Work(
        work.id, work.image_id, False, None, work.state, decider=decider, stage=work.stage, version=work.version
    )


def _row(key: str | None, group: _Group) -> Row:
    cells = list(group.cells.values())
    worked = [cell for cell in cells if cell.rows]
    paper = PAPER.get(key or "", {})

    def per_mask(name: str, unit: intervals.Unit, amount: Callable[[_Cell], float]) -> Figure:
        return intervals.ratio(name, [(amount(cell), cell.drawn) for cell in worked], unit, paper.get(name))

    decided = sum(group.decisions.values())
    masks = [(cell.drawn + cell.accepted, 1) for cell in cells]
    figures = (
        per_mask(ACTIVE, "seconds", lambda cell: cell.active_seconds),
        per_mask(WALL, "seconds", lambda cell: cell.wall_seconds),
        per_mask("Clicks per mask", "count", lambda cell: cell.clicks),
        per_mask("Brush edits per mask", "count", lambda cell: cell.brush_edits),
        intervals.ratio(PER_IMAGE, masks, "count", paper.get(PER_IMAGE)),
        intervals.share("Proposals accepted as they are", group.decisions["accepted"], decided),
        intervals.share("Proposals corrected", group.decisions["corrected"], decided),
        intervals.share("Proposals rejected", group.decisions["rejected"], decided),
        _total("Active hours", (cell.active_seconds for cell in worked), len(worked)),
        _total("Wall hours", (cell.wall_seconds for cell in worked), len(worked)),
    )
    return Row(key, len(cells), sum(total for total, _ in masks), figures)


def _total(name: str, seconds: Iterable[float], images: int) -> Figure:
    return Figure(name, sum(seconds) / 3600, images, "hours")


ACTIVE: Final = "Active seconds per mask"
WALL: Final = "Wall seconds per mask"
PER_IMAGE: Final = "Masks per image"
PAPER: Final[Mapping[str, Mapping[str, str]]] = {
    "assisted_manual": {ACTIVE: "34 s at first, 14 s at the end", PER_IMAGE: "20 at first, 44 at the end"},
    "semi_automatic": {
        ACTIVE: "34 s (harder objects; automatic masks not counted)",
        PER_IMAGE: "44 at first, 72 at the end (automatic masks counted)",
    },
    "fully_automatic": {ACTIVE: "0 s: nobody draws", PER_IMAGE: "about 100"},
}
