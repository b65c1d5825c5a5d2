"""`evaluate`: a round's candidate and the active model version answer for the same held-out masks; the gates judge."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from backend.db.models import Annotation, Category, ModelVersion, Round, Snapshot
from backend.engine.gates import GateFigures, GateReport, MaskCounts, judge
from backend.errors import Invalid, NotFound
from backend.runtime import Runtime
from backend.services import detectors, promotions, rounds, snapshots
from backend.services.round_moves import move
from backend.storage import keys
from backend.uow import UnitOfWork
from workers.job import JobContext, job
from workers.judging import Training, measured, refused, without_evidence
from workers.machine import free_bytes, processes, settle, usable_cores
from workers.rounds import folder_of, sweep

if TYPE_CHECKING:
    from segmenter.evaluate.held_out import Answers
    from segmenter.evaluate.rows import Row
    from segmenter.training.snapshot import Snapshot as Folder


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
    found: dict[str, Answers] = {}
    for place, version in enumerate((candidate, active)):

        def report(done: int, total: int, place: int = place) -> None:
            work.progress(50 * place + 50 * done // total, 101, "Comparing both versions on held-out images")

        found[version.id] = _measured(work, version, releases[version.id], laid_out, categories, report)
    training = row.figures.get("training")
    trained = None
    if training is not None:
        trained = Training(training["done_steps"], training.get("done_share"), training["snapshot_digest"])
    with runtime.read() as session:
        stored = snapshots.of_project(session, row.project_id)
    history = snapshots.history_of(runtime.storage, stored)
    ours, theirs = found[candidate.id], found[active.id]
    if not ours.rows:
        return without_evidence(verified, trained, snapshot.digest), {}
    counts = MaskCounts(ours.found, theirs.found, ours.looked_at)
    figures = measured(verified, trained, snapshot.digest, history.trained, ours.rows, theirs.rows, counts)
    return figures, {"held_out": {"candidate": summary(ours.rows), "active": summary(theirs.rows)}}


def _release(runtime: Runtime, version: ModelVersion, folder: Path) -> Path:
    """Every stored file of a version, as it is stored: whether they are whole is what is to be found out."""
    from segmenter.manifest import MANIFEST, files_of

    target = folder / "releases" / version.digest
    target.mkdir(parents=True, exist_ok=True)
    for name in (*files_of(version.manifest), MANIFEST):
        snapshots.fetch(runtime.storage, keys.release_key(version.digest, name), target / name)
    return target


def _measured(
    work: JobContext,
    version: ModelVersion,
    release: Path,
    snapshot: Folder,
    categories: dict[str, str],
    report: Callable[[int, int], None],
) -> Answers:
    """What a version answers, in as many processes as suit the machine."""
    import torch

    from segmenter.evaluate.held_out import Answers, held_out_answers
    from segmenter.manifest import WEIGHTS, file_digest

    kept = release.parent.parent / f"answers-{release.name}.json"
    if kept.exists():
        return Answers(**json.loads(kept.read_text(encoding="utf-8")))
    weights, cores = release / WEIGHTS, work.runtime.settings.worker_threads or usable_cores()
    if file_digest(weights) != version.manifest["files"][WEIGHTS]["digest"]:
        raise Invalid(f"the stored weights of {version.name} {version.version} are damaged", code="damaged_release")
    pictures = sum(1 for _ in snapshot.images("held_out"))
    jobs = processes(cores, free_bytes(), pictures, weights.stat().st_size)
    jobs = 1 if torch.cuda.is_available() else jobs  # one GPU answers faster than all cores
    found = held_out_answers(weights, snapshot, categories=categories, jobs=jobs, report=report)
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(found)), encoding="utf-8")
    partial.replace(kept)
    return found


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
