"""The effort table as it was first written: over annotations one by one. Slow and plain, an oracle for the fast one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.engine import effort
from backend.engine.effort import ALIVE, Pile, Row, _Cell, _Group


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


Key = Callable[[Work | Pile], str | None]


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
    return [effort._row(name, groups[name]) for name in sorted(groups, key=lambda name: (name is None, name or ""))]


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
