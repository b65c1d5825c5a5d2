"""What masks cost in a project, from its annotations: by stage, by model version with its round, by person.

The database sums; only edits, which hang together in chains, are read one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from backend.db.models import Actor, Annotation, Image, ModelVersion, Round
from backend.engine import effort
from backend.engine.effort import Decision, Edit, Pile, Portion, Row
from backend.services import projects

_AT_ONCE: Final = 500
STAGES: Final = ("assisted_manual", "semi_automatic", "fully_automatic")
STAGE_NAMES: Final = {
    "assisted_manual": "Assisted-manual",
    "semi_automatic": "Semi-automatic",
    "fully_automatic": "Fully automatic",
}


def of_project(session: Session, project_id: str) -> dict[str, list[dict[str, Any]]]:
    """{"stages", "versions", "annotators"}: rows of figures. Imported masks took nobody's time and are left out."""
    projects.find(session, project_id)
    edits, piles = _edits(session, project_id), _piles(session, project_id)
    portions = [*_portions(session, project_id), *effort.begun(edits)]
    decisions = [*_decisions(session, project_id), *effort.corrected(edits)]
    stages = effort.table(portions, decisions, piles, effort.by_stage)
    stages.sort(key=lambda row: STAGES.index(row.key or STAGES[0]))
    versions = effort.table(portions, decisions, piles, effort.by_version)
    people = effort.table(portions, decisions, [], effort.by_person)
    rounds = _rounds(session, project_id)
    named = {key: {"name": name, "round": rounds.get(key)} for key, name in _version_names(session, versions).items()}
    return {
        "stages": [_told(row, {"name": STAGE_NAMES[row.key or STAGES[0]], "round": None}) for row in stages],
        "versions": [_told(row, named.get(row.key or "", {"name": "No model", "round": None})) for row in versions],
        "annotators": [_told(row, {"name": name, "round": None}) for row, name in _with_names(session, people)],
    }


def _told(row: Row, names: Mapping[str, Any]) -> dict[str, Any]:
    figures = [asdict(figure) for figure in row.figures]
    return {"key": row.key, **names, "image_count": row.images, "mask_count": row.masks, "figures": figures}


def _machine() -> ColumnElement[bool]:
    models = select(Actor.id).where(Actor.kind == "model")
    return or_(Annotation.source.in_(("automatic", "detector")), Annotation.actor_id.in_(models))


def _counts(project_id: str) -> ColumnElement[bool]:
    erased = select(Image.id).where(Image.project_id == project_id, Image.state == "erased")
    mine = (Annotation.project_id == project_id, Annotation.source != "import")
    return and_(*mine, Annotation.image_id.not_in(erased))


_PLACE: Final = (Annotation.image_id, Annotation.stage, Annotation.model_version_id)


def _portions(session: Session, project_id: str) -> list[Portion]:
    """What people did, summed by image, stage, version and person."""
    by = (*_PLACE, Annotation.actor_id)
    stands = and_(Annotation.state.in_(effort.ALIVE), Annotation.supersedes_id.is_(None))
    sums = (
        *(func.sum(Annotation.active_seconds), func.sum(Annotation.wall_seconds)),
        *(func.sum(Annotation.clicks), func.sum(Annotation.brush_edits)),
        *(func.count(), func.count(case((stands, 1)))),
    )
    query = select(*by, *sums).where(_counts(project_id), ~_machine()).group_by(*by)
    return [Portion._make(row) for row in session.execute(query)]


def _edits(session: Session, project_id: str) -> list[Edit]:
    """Annotations by people that replace another one, of whatever making.

    Two reads that the index alone answers and a join here: half the time of a join in the database.
    """
    made = (Annotation.supersedes_id, Annotation.id, Annotation.state, *_PLACE, Annotation.actor_id)
    mine = (_counts(project_id), ~_machine(), Annotation.supersedes_id.is_not(None))
    edits: list[tuple[Any, ...]] = [tuple(row) for row in session.execute(select(*made).where(*mine))]
    superseded = (Annotation.project_id == project_id, Annotation.state == "superseded")
    before = _replaced(session, and_(*superseded))
    others = [edit[0] for edit in edits if edit[0] not in before]  # an edit was undone
    for start in range(0, len(others), _AT_ONCE):
        before |= _replaced(session, Annotation.id.in_(others[start : start + _AT_ONCE]))
    return [Edit._make((*edit[1:], edit[0], *before[edit[0]])) for edit in edits]


def _replaced(session: Session, which: ColumnElement[bool]) -> dict[str, tuple[Any, ...]]:
    """By id: maker, state, stage, version, person."""
    maker = case((Annotation.source == "import", "import"), (_machine(), "machine"), else_="person")
    told = (Annotation.state, Annotation.stage, Annotation.model_version_id, Annotation.actor_id)
    return {row[0]: tuple(row[1:]) for row in session.execute(select(Annotation.id, maker, *told).where(which))}


def _decisions(session: Session, project_id: str) -> list[Decision]:
    """Proposals that somebody accepted or rejected."""
    by = (*_PLACE, Annotation.decided_by_id, Annotation.state)
    decided = (Annotation.decided_by_id.is_not(None), Annotation.state.in_(("accepted", "rejected")))
    query = select(*by, func.count()).where(_counts(project_id), _machine(), *decided).group_by(*by)
    return [Decision._make(row) for row in session.execute(query)]


def _piles(session: Session, project_id: str) -> list[Pile]:
    undecided = (Annotation.decided_by_id.is_(None), Annotation.state.in_(effort.ALIVE))
    mine = (_counts(project_id), _machine(), *undecided, Annotation.stage == "fully_automatic")
    query = select(*_PLACE, func.count()).where(*mine).group_by(*_PLACE)
    return [Pile._make(row) for row in session.execute(query)]


def _rounds(session: Session, project_id: str) -> dict[str | None, int]:
    """The round that made each model version."""
    query = select(Round.candidate_version_id, Round.number).where(Round.project_id == project_id)
    return dict(session.execute(query.order_by(Round.number)).all())


def _version_names(session: Session, rows: Sequence[Row]) -> dict[str, str]:
    query = select(ModelVersion.id, ModelVersion.name, ModelVersion.version)
    found = session.execute(query.where(ModelVersion.id.in_([row.key for row in rows])))
    return {key: f"{name} {version}" for key, name, version in found}


def _with_names(session: Session, rows: Sequence[Row]) -> list[tuple[Row, str]]:
    query = select(Actor.id, Actor.name).where(Actor.id.in_([row.key for row in rows]))
    names = dict(session.execute(query).all())
    return [(row, names.get(row.key or "", "")) for row in rows]
