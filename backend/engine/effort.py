"""What masks cost: seconds, clicks and brush edits per mask, masks per image, and what became of proposals.

Reads annotations as they are kept (nothing is ever overwritten), so the whole history counts; the database has summed
them by image, stage, version and person. Time and clicks are those
spent in a group, also on masks that were deleted or edited later; masks are those begun in the group that still stand.
The paper's numbers beside ours: Segment Anything, section 4 (sam.md section 3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from backend.engine import intervals
from backend.engine.intervals import Figure

ALIVE: Final = ("accepted", "proposed")
DECISIONS: Final = ("accepted", "corrected", "rejected")


class Portion(NamedTuple):
    """What one person did on one image in one stage with one model version.

    `rows` annotations (masks and edits of masks) took the time and the clicks; `drawn` masks that were begun here still
    stand. `stage` is the project's when an annotation was made.
    """

    image_id: str
    stage: str | None
    version: str | None
    actor: str | None
    active_seconds: float = 0.0
    wall_seconds: float = 0.0
    clicks: int = 0
    brush_edits: int = 0
    rows: int = 0
    drawn: int = 0


class Decision(NamedTuple):
    """Proposals on one image about which one person, the `actor`, decided in the same way: one of DECISIONS."""

    image_id: str
    stage: str | None
    version: str | None
    actor: str | None
    outcome: str
    proposals: int = 1


class Pile(NamedTuple):
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


Maker = Literal["person", "machine", "import"]
Key = Callable[[Portion | Decision | Pile], str | None]


class Edit(NamedTuple):
    """A person's annotation and, of the one that it replaces: who made it, its state and place."""

    id: str
    state: str
    image_id: str
    stage: str | None
    version: str | None
    actor: str | None
    before_id: str
    before_maker: Maker
    before_state: str
    before_stage: str | None
    before_version: str | None
    before_actor: str | None


def clicks(prompts: Iterable[Mapping[str, Any]]) -> int:
    """How often somebody pointed: points that add or take away, and boxes, each once."""
    return sum(
        prompt["kind"] == "box" or (prompt["kind"] == "point" and prompt.get("label") in (0, 1)) for prompt in prompts
    )


def by_stage(one: Portion | Decision | Pile) -> str | None:
    return one.stage


def by_version(one: Portion | Decision | Pile) -> str | None:
    return one.version


def by_person(one: Portion | Decision | Pile) -> str | None:
    """Who drew the mask, or decided on the proposal."""
    return None if isinstance(one, Pile) else one.actor


def begun(edits: Sequence[Edit]) -> list[Portion]:
    """Masks that stand through an edit, each where it was begun: the first rows of the chains whose last row is alive.

    A first row that is alive itself and replaces nothing is not among them: it is counted with its person's rows.
    """
    by_id = {edit.id: edit for edit in edits}
    heads: dict[str, Portion] = {}
    for edit in edits:
        if edit.state not in ALIVE:
            continue
        first = edit
        while first.before_id in by_id:
            first = by_id[first.before_id]
        if first.before_maker != "person":
            heads[first.id] = Portion(first.image_id, first.stage, first.version, first.actor, drawn=1)
        elif first.before_state not in ALIVE:
            place = (first.image_id, first.before_stage, first.before_version, first.before_actor)
            heads[first.before_id] = Portion(*place, drawn=1)
    return list(heads.values())


def corrected(edits: Sequence[Edit]) -> list[Decision]:
    """Proposals that a person's mask has replaced, and who drew it: the one that stands, if there were several."""
    replaced: dict[str, Edit] = {}
    for edit in edits:
        if edit.before_maker == "machine" and edit.before_state == "superseded":
            other = replaced.get(edit.before_id)
            if other is None or (edit.state != "deleted", edit.id) > (other.state != "deleted", other.id):
                replaced[edit.before_id] = edit
    return [
        Decision(edit.image_id, edit.before_stage, edit.before_version, edit.actor, "corrected")
        for edit in replaced.values()
    ]


def table(portions: Sequence[Portion], decisions: Sequence[Decision], piles: Sequence[Pile], key: Key) -> list[Row]:
    """A row for each value of `key`, sorted by it, the nameless last."""
    groups: dict[str | None, _Group] = defaultdict(_Group)
    for portion in portions:
        _add(groups[key(portion)].cells[portion.image_id], portion)
    for decision in decisions:
        group = groups[key(decision)]
        group.decisions[decision.outcome] += decision.proposals
        group.cells[decision.image_id].accepted += decision.proposals if decision.outcome == "accepted" else 0
    for pile in piles:
        groups[key(pile)].cells[pile.image_id].accepted += pile.masks
    return [_row(name, groups[name]) for name in sorted(groups, key=lambda name: (name is None, name or ""))]


def _add(cell: _Cell, portion: Portion) -> None:
    cell.active_seconds += portion.active_seconds
    cell.wall_seconds += portion.wall_seconds
    cell.clicks += portion.clicks
    cell.brush_edits += portion.brush_edits
    cell.rows += portion.rows
    cell.drawn += portion.drawn


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
