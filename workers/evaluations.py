"""`evaluate`: a round's candidate and the active model version answer for the same held-out masks; the gates judge."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from backend.db.models import Annotation, Category, ModelVersion, Round, Snapshot
from backend.engine.gates import GateFigures, GateReport, MaskCounts, judge
from backend.errors import NotFound
from backend.runtime import Runtime
from backend.services import detectors, promotions, rounds, snapshots
from backend.services.round_moves import move
from backend.storage import keys
from backend.uow import UnitOfWork
from workers.job import JobContext, job
from workers.judging import Training, measured, refused, without_evidence
from workers.machine import settle
from workers.rounds import folder_of, sweep

if TYPE_CHECKING:
    from segmenter.build import Model
    from segmenter.evaluate.rows import Row
    from segmenter.training.snapshot import Snapshot as Folder

COUNTED_IMAGES: Final = 8  # on which both versions look for masks by themselves
Asked = Callable[[int, int], None]


@job("evaluate", queue="train")
def evaluate(work: JobContext, round_id: str, active_version_id: str) -> None:
    """Measure both versions, write the gate report, and promote where the policy leaves that to the report.

    What was measured of a version is kept on disk until the round is judged, so a killed attempt is not lost.
    """
    runtime = work.runtime
    with runtime.read() as session:
        row = session.get_one(Round, round_id)
        candidate = session.get_one(ModelVersion, row.candidate_version_id)
        active = session.get_one(ModelVersion, active_version_id)
        snapshot = session.get_one(Snapshot, row.snapshot_id)
    if row.state != "evaluating":
        return
    sweep(runtime)
    figures, told = _figures(work, row, snapshot, candidate, active)
    report = judge(figures, rounds.policy_of(row.policy).gates)
    promotion = None
    with work.commit() as uow:
        noted = rounds.note(uow, round_id, **told)
        noted.base_version_id = active_version_id  # what a promotion may replace is what was compared
        uow.session.flush()
        if _judged(uow, round_id, report) is not None:
            promotion = promotions.promote_automatically(uow, round_id)
            _teach_detector(uow, row)
    shutil.rmtree(folder_of(runtime, round_id), ignore_errors=True)
    if promotion is not None:
        promotions.follow(runtime, promotion.id)


def _teach_detector(uow: UnitOfWork, row: Round) -> None:
    """Where a project's confident masks come from boxes, the round's masks teach its detector, too."""
    if rounds.policy_of(row.policy).confident.source == "detector" and "training" in row.figures:
        detectors.request(uow, row.project_id, row.id)


def _judged(uow: UnitOfWork, round_id: str, report: GateReport) -> Round | None:
    return move(uow, round_id, "judge", gate_report=report.as_json(), decision=report.decision)


def _figures(
    work: JobContext, row: Round, snapshot: Snapshot, candidate: ModelVersion, active: ModelVersion
) -> tuple[GateFigures, dict[str, Any]]:
    settle()
    from segmenter.evaluate.held_out import Sample
    from segmenter.verification import verify_release

    runtime, folder = work.runtime, folder_of(work.runtime, row.id)
    try:
        releases = {version.id: _release(runtime, version, folder) for version in (candidate, active)}
    except NotFound as missing:
        return GateFigures(refusal=f"a file of the release is missing in the storage: {missing.detail}"), {}
    verified = verify_release(releases[candidate.id], active.manifest, candidate.digest)
    other = verified.same_architecture is False and "training" in row.figures
    if verified.refusal or not verified.finite or other:
        return refused(verified), {}
    asked_for = frozenset(snapshots.members(runtime.storage, snapshot, "held_out")[: Sample().images])
    laid_out = snapshots.lay_out(runtime, snapshot, folder / "held_out", "held_out", asked_for)
    categories = _categories(runtime, snapshot.project_id)
    found, counted = {}, {}
    for place, version in enumerate((candidate, active)):

        def asked(done: int, total: int, place: int = place) -> None:
            work.progress(50 * place + 50 * done // max(1, total), 101, "Comparing both versions on held-out images")

        found[version.id], counted[version.id] = _measured(releases[version.id], laid_out, folder, categories, asked)
    training = row.figures.get("training")
    trained = None
    if training is not None:
        trained = Training(training["done_steps"], training["planned_steps"], training["snapshot_digest"])
    with runtime.read() as session:
        stored = snapshots.of_project(session, row.project_id)
    history = snapshots.history_of(runtime.storage, stored)
    if not found[candidate.id]:
        return without_evidence(verified, trained, snapshot.digest), {}
    images = min(COUNTED_IMAGES, len({one["image"] for one in found[candidate.id]}))
    counts = MaskCounts(counted[candidate.id], counted[active.id], images)
    figures = measured(
        verified, trained, snapshot.digest, history.trained, found[candidate.id], found[active.id], counts
    )
    told = {"candidate": summary(found[candidate.id]), "active": summary(found[active.id])}
    return figures, {"held_out": told}


def _release(runtime: Runtime, version: ModelVersion, folder: Path) -> Path:
    """Every stored file of a version, as it is stored: whether they are whole is what is to be found out."""
    from segmenter.manifest import MANIFEST, files_of

    target = folder / "releases" / version.digest
    target.mkdir(parents=True, exist_ok=True)
    for name in (*files_of(version.manifest), MANIFEST):
        snapshots.fetch(runtime.storage, keys.release_key(version.digest, name), target / name)
    return target


def _measured(
    release: Path, snapshot: Folder, folder: Path, categories: dict[str, str], asked: Asked
) -> tuple[list[Row], int]:
    """The rows of a version on the held-out masks, and how many masks it finds by itself."""
    import torch

    from segmenter.checkpoint import load_release
    from segmenter.evaluate.held_out import held_out_rows

    kept = folder / f"measured-{release.name}.json"
    if kept.exists():
        rows, count = json.loads(kept.read_text(encoding="utf-8"))
        return rows, count
    model = load_release(release).model.to("cuda" if torch.cuda.is_available() else "cpu")
    rows = held_out_rows(model, snapshot, categories=categories, report=asked)
    count = _count_masks(model, snapshot, asked)
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps([rows, count]), encoding="utf-8")
    partial.replace(kept)
    return rows, count


def _count_masks(model: Model, snapshot: Folder, asked: Asked) -> int:
    """Automatic masks on the first held-out images, with a coarse grid: only the ratio of two versions matters."""
    from dataclasses import replace

    from segmenter.automask import generate
    from segmenter.automask_config import AUTOMASK_PRESETS, FAMILY_PRESETS
    from segmenter.evaluate.held_out import held_out_tasks
    from segmenter.evaluate.selection import read

    settings = AUTOMASK_PRESETS[FAMILY_PRESETS[model.config.family]]
    settings = replace(settings, points_per_side=min(16, settings.points_per_side))
    total = 0
    for task in held_out_tasks(snapshot)[:COUNTED_IMAGES]:
        asked(1, 1)
        total += len(generate(model, read(task)[1], settings))
    return total


def _categories(runtime: Runtime, project_id: str) -> dict[str, str]:
    query = select(Annotation.id, Category.name).join(Category, Category.id == Annotation.category_id)
    with runtime.read() as session:
        return {row[0]: row[1] for row in session.execute(query.where(Annotation.project_id == project_id))}


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Means of a version over the held-out masks with their 95 % intervals (``_ci``) over images."""
    import numpy as np

    from segmenter.evaluate.bootstrap import intervals
    from segmenter.evaluate.gate_figures import NAMES

    known = [figure for figure in NAMES if all(figure in row for row in rows)]
    values = np.array([[row[figure] for figure in known] for row in rows], np.float64)
    found = intervals(values, [row["image"] for row in rows])
    told: dict[str, Any] = {}
    for place, figure in enumerate(known):
        low, high = found[place]
        told[NAMES[figure]] = round(float(values[:, place].mean()), 4)
        told[f"{NAMES[figure]}_ci"] = [round(low, 4), round(high, 4)]
    return told
