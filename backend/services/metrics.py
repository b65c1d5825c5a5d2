"""What masks cost in a project, from its annotations: by stage, by model version with its round, by person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from backend.db.models import Actor, Annotation, Image, ModelVersion, Round
from backend.engine import effort
from backend.engine.effort import Pile, Row, Work
from backend.services import projects

STAGES: Final = ("assisted_manual", "semi_automatic", "fully_automatic")
STAGE_NAMES: Final = {
    "assisted_manual": "Assisted-manual",
    "semi_automatic": "Semi-automatic",
    "fully_automatic": "Fully automatic",
}


def of_project(session: Session, project_id: str) -> dict[str, list[dict[str, Any]]]:
    """{"stages", "versions", "annotators"}: rows of figures. Imported masks took nobody's time and are left out."""
    projects.find(session, project_id)
    works, piles = [*_by_people(session, project_id), *_decided(session, project_id)], _piles(session, project_id)
    stages = sorted(effort.table(works, piles, effort.by_stage), key=lambda row: STAGES.index(row.key or STAGES[0]))
    versions = effort.table(works, piles, effort.by_version)
    people = effort.table(works, [], effort.by_person)
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
    return or_(Annotation.source.in_(("automatic", "detector")), Actor.kind == "model")


def _of(project_id: str, *columns: Any) -> Select[*tuple[Any, ...]]:
    query = select(*columns).join(Actor, Actor.id == Annotation.actor_id).join(Image, Image.id == Annotation.image_id)
    kept = (Annotation.project_id == project_id, Image.state != "erased", Annotation.source != "import")
    return query.where(*kept)


def _by_people(session: Session, project_id: str) -> list[Work]:
    columns = (
        *(Annotation.id, Annotation.image_id, Annotation.actor_id, Annotation.state, Annotation.supersedes_id),
        *(Annotation.stage, Annotation.model_version_id, Annotation.active_seconds, Annotation.wall_seconds),
        *(Annotation.prompts, Annotation.brush_edits),
    )
    return [
        Work(
            *(row.id, row.image_id, True, row.actor_id, row.state, row.supersedes_id, None),
            *(row.stage, row.model_version_id, row.active_seconds, row.wall_seconds),
            *(effort.clicks(row.prompts), row.brush_edits),
        )
        for row in session.execute(_of(project_id, *columns).where(~_machine()))
    ]


def _decided(session: Session, project_id: str) -> list[Work]:
    """Proposals that somebody accepted, rejected or replaced."""
    columns = (
        *(Annotation.id, Annotation.image_id, Annotation.actor_id, Annotation.state, Annotation.decided_by_id),
        *(Annotation.stage, Annotation.model_version_id),
    )
    decided = or_(Annotation.decided_by_id.is_not(None), Annotation.state == "superseded")
    return [
        Work(
            *(row.id, row.image_id, False, row.actor_id, row.state, None, row.decided_by_id),
            *(row.stage, row.model_version_id),
        )
        for row in session.execute(_of(project_id, *columns).where(_machine(), decided))
    ]


def _piles(session: Session, project_id: str) -> list[Pile]:
    by = (Annotation.image_id, Annotation.stage, Annotation.model_version_id)
    undecided = (Annotation.decided_by_id.is_(None), Annotation.state.in_(effort.ALIVE))
    query = _of(project_id, *by, func.count()).where(_machine(), *undecided, Annotation.stage == "fully_automatic")
    return [Pile(*row) for row in session.execute(query.group_by(*by))]


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
