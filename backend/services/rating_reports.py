"""What the ratings of a task say: means of each source, paired differences with tests, agreement, seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.db.models import ModelVersion, Rating, RatingItem, RatingTask
from backend.engine import intervals, ratings
from backend.engine.ratings import Scored
from backend.services import projects
from backend.services.ratings import PEOPLE, find

RESAMPLES: Final = 10_000  # of the pairs, as in the paper's study
LEVEL: Final = 0.99


def of_project(session: Session, project_id: str) -> list[dict[str, Any]]:
    """Reports of a project's rating tasks, newest first."""
    projects.find(session, project_id)
    query = select(RatingTask).where(RatingTask.project_id == project_id)
    return [_report(session, task) for task in session.scalars(query.order_by(RatingTask.created_at.desc()))]


def report(session: Session, task_id: str) -> dict[str, Any]:
    """One task with what its ratings say so far; raises NotFound."""
    return _report(session, find(session, task_id))


def _report(session: Session, task: RatingTask) -> dict[str, Any]:
    columns = ("id", "project_id", "name", "kind", "seed", "state", "failure", "raters_per_mask", "guidelines_version")
    scores, names = _scores(session, task.id), _names(session, task)
    mask_count = select(func.count()).select_from(RatingItem).where(RatingItem.rating_task_id == task.id)
    figures, counts = ratings.means(scores), ratings.histogram(scores)
    sources = [
        {"source": name, "name": names.get(name, name), "mean": asdict(figures[name]), "histogram": counts[name]}
        for name in sorted(figures, key=lambda name: (name != PEOPLE, names.get(name, name)))
    ]
    return {column: getattr(task, column) for column in (*columns, "created_at")} | {
        "mask_count": session.scalar(mask_count) or 0,
        "rating_count": len(scores),
        "sources": sources,
        "comparisons": _comparisons(scores, names),
        "figures": [asdict(ratings.agreement(scores)), asdict(ratings.effort(scores))],
    }


def _scores(session: Session, task_id: str) -> list[Scored]:
    query = (
        select(RatingItem.id, RatingItem.source_name, RatingItem.object_key, Rating.score, Rating.seconds)
        .join(Rating, Rating.rating_item_id == RatingItem.id)
        .where(RatingItem.rating_task_id == task_id)
        .order_by(RatingItem.position, Rating.actor_id)
    )
    return [Scored(*row) for row in session.execute(query)]


def _names(session: Session, task: RatingTask) -> dict[str, str]:
    query = select(ModelVersion.id, ModelVersion.name, ModelVersion.version)
    found = session.execute(query.where(ModelVersion.id.in_(task.settings["sources"])))
    return {PEOPLE: "People"} | {key: f"{name} {version}" for key, name, version in found}


def _comparisons(scores: Sequence[Scored], names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for (first, second), values in sorted(ratings.differences(scores).items()):
        test = intervals.paired(values)
        if test is None:
            continue
        name = f"{names.get(first, first)} minus {names.get(second, second)}"
        figure = intervals.mean(name, values, "score", ratings.PAPER_DIFFERENCE)
        low, high = bootstrap(values)
        told = {"first": first, "second": second, "difference": asdict(figure), "p_value": test.p_value}
        found.append(told | {"bootstrap_low": low, "bootstrap_high": high})
    return found


def bootstrap(values: Sequence[float]) -> intervals.Bounds:
    """The 99 % percentile interval of a mean over resamples; the same values give the same bounds."""
    different, counts = np.unique(np.asarray(values, np.float64), return_counts=True)
    draws = np.random.default_rng(0).multinomial(len(values), counts / len(values), RESAMPLES)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(draws @ different / len(values), [tail, 100 - tail])
    return float(low), float(high)
