"""The jobs of a round: `freeze` its snapshot, `train` a candidate in a process of its own, `evaluate` it.

Each commits its effect together with the step of the round and the job that follows. A job whose round was cancelled,
or is further already, does nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from backend.db.models import Embedding, ModelVersion, Round, Snapshot
from backend.engine.rounds import UNFINISHED, training_mode
from backend.errors import Conflict, MaskmillError, NotFound
from backend.runtime import Runtime
from backend.services import detectors, jobs, model_versions, rounds, snapshots
from backend.services.round_moves import move, tell
from backend.storage import keys
from backend.uow import UnitOfWork
from workers.job import JobContext, LeaseLost, job
from workers.machine import settle
from workers.model_cache import WEIGHTS, fetch
from workers.round_child import FAILURE, FINAL, PLAN, RELEASE

POLL_SECONDS: Final = 1.0
STOP_SECONDS: Final = 10.0
MOST_PICTURES: Final = 2000  # about 2 GiB of memory; a round of minutes sees few more


class TrainingFailed(MaskmillError):
    """The training process ended with a reason."""


@job("freeze", queue="cpu")
def freeze(work: JobContext, round_id: str) -> None:
    """Freeze what the round learns from and is judged by; then training follows, or what takes its place."""
    with work.runtime.read() as session:
        row = session.get_one(Round, round_id)
        choice, policy = rounds.choice_of(session, row), rounds.policy_of(row.policy)
    if row.state != "frozen":
        return
    try:
        frozen = snapshots.freeze(
            work.runtime, row.project_id, choice, policy.training.held_out_share, row.candidate_version_id is None
        )
    except Conflict as error:
        if error.code != "nothing_to_train":
            raise
        with work.commit() as uow:
            move(uow, round_id, "fail", failure=error.detail)
        return
    with work.commit() as uow:
        kept = snapshots.record(uow, row.project_id, frozen)
        noted = rounds.note(uow, round_id, counts=asdict(frozen.counts))
        noted.snapshot_id = kept.id
        if row.candidate_version_id is None:
            _next(uow, noted, "train")
        else:
            _trained(uow, noted)


def _next(uow: UnitOfWork, row: Round, kind: str) -> None:
    if move(uow, row.id, "train") is not None:
        uow.enqueue(kind, f"{kind}:{row.id}", row.project_id, round_id=row.id)


def _trained(uow: UnitOfWork, row: Round, **values: Any) -> None:
    """There is a candidate: rest, or go on to its evaluation."""
    uow.session.flush()
    trained = move(uow, row.id, "finish_training", **values)
    if trained is None:
        return
    detectors.of_round(uow, trained)
    if trained.steps != "train":
        moved = move(uow, row.id, "evaluate")
        assert moved is not None
        rounds.enqueue_evaluation(uow, moved)


# --- training -------------------------------------------------------------------------------------------------------


@job("train", queue="train")
def train(work: JobContext, round_id: str) -> None:
    """Train in a child that goes on from its checkpoint when this attempt or an earlier one was killed."""
    runtime = work.runtime
    with runtime.read() as session:
        row = session.get_one(Round, round_id)
        base = session.get_one(ModelVersion, row.base_version_id)
        snapshot = session.get_one(Snapshot, row.snapshot_id)
    if row.state != "training":
        return
    sweep(runtime)
    folder = folder_of(runtime, round_id)
    work.progress(0, 100, "Laying out images")
    planned = _prepare(runtime, folder, row, base, snapshot)
    try:
        _supervise(work, row, folder)
    except TrainingFailed as failed:
        if failed.code != "training_failed":
            raise
        with work.commit() as uow:
            move(uow, round_id, "fail", failure=failed.detail)
        return
    manifest = model_versions.store_release(runtime, folder / RELEASE)
    told = json.loads((folder / "run" / "train.json").read_text(encoding="utf-8"))
    material = json.loads((folder / "run" / "material.json").read_text(encoding="utf-8"))
    curve = _curve(folder)
    training = {"mode": planned["mode"], "done_steps": told["steps"], "masks": material["masks"]}
    training |= {"done_share": done_share(json.loads(planned["plan"])["recipe"], told, curve)}
    training |= {"snapshot_digest": material["snapshot_digest"], "images": len(material["pixel_digests"])}
    with work.commit() as uow:
        candidate = model_versions.insert(uow, manifest, "candidate")
        noted = rounds.note(uow, round_id, training=training, curve=rounds.thinned(curve))
        _trained(uow, noted, candidate_version_id=candidate.id)
    shutil.rmtree(folder, ignore_errors=True)


def done_share(planned: Mapping[str, Any], told: Mapping[str, Any], curve: Sequence[Mapping[str, Any]]) -> float:
    """How much of the planned steps, or else minutes, a run did by its own record: its last step and line of metrics.

    What a trainer calls its whole schedule may be shorter than what was ``planned``.
    """
    if planned["steps"] is not None:
        return float(told["steps"] / planned["steps"])
    return float(curve[-1]["progress"] * told["config"]["minutes"] / planned["minutes"]) if curve else 0.0


def folder_of(runtime: Runtime, round_id: str) -> Path:
    """Where a round's training keeps its checkpoint and its pictures, on the machine of its worker."""
    return runtime.settings.data_dir / "rounds" / round_id


def sweep(runtime: Runtime) -> None:
    """Folders of rounds that ended otherwise."""
    folders = {folder.name: folder for folder in (runtime.settings.data_dir / "rounds").glob("*")}
    with runtime.read() as session:
        alive = set(session.scalars(select(Round.id).where(Round.id.in_(folders), Round.state.in_(UNFINISHED))))
    for name in set(folders) - alive:
        shutil.rmtree(folders[name], ignore_errors=True)


def _prepare(runtime: Runtime, folder: Path, row: Round, base: ModelVersion, snapshot: Snapshot) -> dict[str, Any]:
    """Brings everything that the child needs into its folder; the recipe as a dict."""
    settle()
    import torch

    from segmenter.config import TRAIN_PRESETS
    from segmenter.training.rounds import RoundPlan

    policy = rounds.policy_of(row.policy).training
    release = fetch(runtime.storage, base, runtime.settings.data_dir / "cache" / "releases")
    drawn = _drawn(snapshots.members(runtime.storage, snapshot, "train"), row.number)
    snapshots.lay_out(runtime, snapshot, folder / "snapshot", "train", drawn)
    mode = training_mode(policy.mode, torch.cuda.is_available())
    recipe = replace(TRAIN_PRESETS["round"], mode=mode, minutes=policy.minutes, seed=row.number)
    recipe = replace(recipe, threads=runtime.settings.worker_threads)
    kept = folder / "embeddings" if mode == "decoder" else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        _bring_embeddings(runtime, base.encoder_digest, sorted(drawn), kept)
    often = min(30.0, 6 * policy.minutes)  # ten checkpoints, or more
    plan = RoundPlan(folder / "snapshot", release / WEIGHTS, folder / "run", recipe, policy.human_weight, kept, often)
    told = {"plan": plan.as_json(), "encoder_digest": base.encoder_digest, "name": base.name}
    told |= {"version": f"{base.version}+{row.number}", "mode": mode}
    (folder / PLAN).write_text(json.dumps(told), encoding="utf-8")
    return told


def _drawn(digests: Sequence[str], seed: int) -> frozenset[str]:
    """The pictures that a round holds in memory: all, or of very many other ones in every round."""
    order = sorted(digests, key=lambda digest: hashlib.sha256(f"{seed}/{digest}".encode()).digest())
    return frozenset(order[:MOST_PICTURES])


def _bring_embeddings(runtime: Runtime, encoder_digest: str, digests: list[str], folder: Path) -> None:
    """Those that the project has; what is missing is made by the child."""
    for start in range(0, len(digests), 500):
        some = digests[start : start + 500]
        ready = (Embedding.encoder_digest == encoder_digest, Embedding.state == "ready")
        query = select(Embedding.pixel_digest).where(*ready, Embedding.pixel_digest.in_(some))
        with runtime.read() as session:
            found = session.scalars(query).all()
        for digest in found:
            try:
                key = keys.embedding_key(encoder_digest, digest)
                snapshots.fetch(runtime.storage, key, folder / f"{digest}.safetensors")
            except NotFound:  # erased this moment
                continue


def _supervise(work: JobContext, row: Round, folder: Path) -> None:
    """Runs the child to its end and tells how far it is; ends it when the lease is lost or this process ends."""
    with _child(folder) as child:
        while (status := _wait(child)) is None:
            _tell(work, row, folder)
        _tell(work, row, folder)
    if status == 0:
        return
    file = folder / FAILURE
    reason = file.read_text(encoding="utf-8") if file.exists() else f"the training process was killed ({status})"
    raise TrainingFailed(reason, code="training_failed" if status == FINAL else "training_died")


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    try:
        return child.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


@contextmanager
def _child(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    me = [sys.executable, "-m", "workers.child", str(os.getpid())]
    command = [*me, sys.executable, "-m", "workers.round_child", str(folder)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        child.wait()


def _tell(work: JobContext, row: Round, folder: Path) -> None:
    """Progress and the curve so far, for the page."""
    work.check()
    curve = rounds.thinned(_curve(folder))
    last = curve[-1] if curve else {}
    done = round(100 * last.get("progress", 0.0))
    message = "Training" if last else "Preparing to train"
    if "eta_seconds" in last:
        message = f"Training, about {max(1, round(last['eta_seconds'] / 60))} min left"
    with work.runtime.write() as uow:
        if not jobs.progress(uow, work.job.id, work.token, done, 100, message):
            raise LeaseLost(work.job.id)
        known = uow.session.get_one(Round, row.id)
        if known.figures.get("curve", [])[-1:] != curve[-1:]:
            tell(uow, rounds.note(uow, row.id, curve=curve))


def _curve(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics that are whole."""
    file = folder / "run" / "metrics.jsonl"
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
