"""No bad candidate becomes active, through the real jobs, gates and promotions (reliability.md A4).

The policy promotes by itself whatever passes, so a gate that does not hold shows as a pointer that moved.
"""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backend.db.models import Job, ModelVersion, Project, Round, Snapshot
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import model_versions, promotions, rounds
from backend.storage import keys
from segmenter import manifest as names
from segmenter.manifest import file_digest, read_manifest
from tests.annotated import annotated_project
from workers.rounds import folder_of

POLICY = {
    "promotion": "automatic",
    "training": {"held_out_share": 0.4},
    "gates": {"held_out_images": 3, "slice_masks": 3},
}
IMAGES = 10
TRAINING = {"done_steps": 200, "planned_steps": 200, "images": 6, "mode": "decoder"}
Harm = Callable[[Path], None]


class Engine:
    """A project whose round has a candidate, and a trainer whose word the test can change."""

    def __init__(self, runtime: Runtime, release: Path, candidate: Path, folder: Path) -> None:
        self.runtime, self.folder = runtime, folder
        self.project = annotated_project(runtime, release, folder, IMAGES).id
        good = self.stored(candidate)
        with runtime.write() as uow:
            project = uow.session.get_one(Project, self.project)
            project.policy, self.active = POLICY, project.active_version_id
            self.round = rounds.start(uow, self.project, None, steps="train", candidate_version_id=good).id
        self.perform()
        with runtime.read() as session:
            self.snapshot = session.get_one(Snapshot, session.get_one(Round, self.round).snapshot_id).digest

    def stored(self, release: Path) -> str:
        """The id of a candidate's version, stored as the training job stores it."""
        manifest = model_versions.store_release(self.runtime, release)
        with self.runtime.write() as uow:
            return model_versions.insert(uow, manifest, "candidate").id

    def harmed(self, release: Path, harm: Harm, resign: bool = False) -> str:
        """A candidate whose files were harmed before it was registered; resigned: its manifest tells their digests."""
        copy = Path(shutil.copytree(release, self.folder / f"{harm.__name__}"))
        harm(copy)
        if resign:
            manifest = read_manifest(copy)
            for name in manifest["files"]:
                manifest["files"][name]["digest"] = file_digest(copy / name)
            (copy / names.MANIFEST).write_text(json.dumps(manifest | {"digest": file_digest(copy / names.WEIGHTS)}))
        return self.stored(copy)

    def judge(self, version_id: str, **training: Any) -> Round:
        """Evaluates a version as what the round's trainer made, on a worker that has not seen it before."""
        shutil.rmtree(folder_of(self.runtime, self.round), ignore_errors=True)
        with self.runtime.write() as uow:
            row = uow.session.get_one(Round, self.round)
            row.candidate_version_id = version_id
            row.figures = row.figures | {"training": TRAINING | {"snapshot_digest": self.snapshot} | training}
            rounds.evaluate(uow, self.round)
        self.perform()
        with self.runtime.read() as session:
            return session.get_one(Round, self.round)

    def perform(self) -> None:
        from workers import handlers
        from workers.job import perform

        assert handlers.__all__
        with self.runtime.read() as session:
            waiting = session.scalars(select(Job.id).where(Job.state == "queued")).all()
        for job_id in waiting:
            assert perform(self.runtime, job_id) == "done"

    def pointer(self) -> str | None:
        with self.runtime.read() as session:
            return session.get_one(Project, self.project).active_version_id


@pytest.fixture
def engine(runtime: Runtime, tiny_release: Path, exported_release: Path, tmp_path: Path) -> Engine:
    return Engine(runtime, tiny_release, exported_release, tmp_path)


def not_numbers(folder: Path) -> None:
    from segmenter.checkpoint import load_weights, save_weights

    state, config = load_weights(folder / names.WEIGHTS)
    next(value for name, value in state.items() if name.startswith("mask_decoder."))[...] = math.nan
    save_weights(folder / names.WEIGHTS, state, config)


def other_shape(folder: Path) -> None:
    from segmenter.checkpoint import load_weights, save_weights

    state, config = load_weights(folder / names.WEIGHTS)
    name = next(name for name, value in state.items() if value.ndim == 2)
    save_weights(folder / names.WEIGHTS, state | {name: state[name][:-1]}, config)


def other_weights(folder: Path) -> None:
    from segmenter.checkpoint import load_weights, save_weights

    state, config = load_weights(folder / names.WEIGHTS)
    other = {name: value * 2 if name.startswith("mask_decoder.") else value for name, value in state.items()}
    save_weights(folder / names.WEIGHTS, other, config)


def failed(row: Round) -> list[str]:
    assert row.gate_report is not None
    return [gate["name"] for gate in row.gate_report["gates"] if not gate["passed"]]


@pytest.mark.slow
def test_no_bad_candidate_becomes_active_and_a_good_one_does(engine: Engine, exported_release: Path) -> None:
    runtime, good = engine.runtime, engine.stored(exported_release)
    digest = read_manifest(exported_release)["digest"]
    _damage(engine, digest, names.DECODER, lambda content: content[: len(content) // 2], good, "files")
    _damage(engine, digest, names.WEIGHTS, lambda content: content[:-1], good, "files")
    _damage(engine, digest, names.DECODER, _flipped, good, "files")
    _damage(engine, digest, names.WEIGHTS, _flipped, good, "files")
    for harm, gate in ((not_numbers, "weights"), (other_shape, "files"), (other_weights, "files")):
        _refused(engine, engine.judge(engine.harmed(exported_release, harm, resign=True)), gate)
    starter = engine.stored(names.STARTER)
    _refused(engine, engine.judge(starter), "architecture")
    forget = _leaked(engine)
    dishonest = engine.judge(good, done_steps=2, snapshot_digest="0" * 64)
    for gate in ("training", "snapshot", "held_out"):
        _refused(engine, dishonest, gate)
    forget()
    assert engine.judge(good).state == "promoted", "what is whole and no worse goes through the same gates"
    assert engine.pointer() == good
    with runtime.read() as session:
        assert [row.to_version_id for row in promotions.moves(session, engine.project)][-1] == good
        assert session.get_one(ModelVersion, starter).state == "candidate"


def _refused(engine: Engine, row: Round, gate: str) -> None:
    """Rejected for the reason expected; the pointer stays, even if a person insists."""
    assert (row.state, row.decision) == ("judged", "reject") and gate in failed(row), failed(row)
    with pytest.raises(Conflict) as refused, engine.runtime.write() as uow:
        promotions.promote(uow, row.id, None, "I insist")
    assert refused.value.code == "not_overridable"
    assert engine.pointer() == engine.active


def _flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) * 2 // 3] ^= 4
    return bytes(changed)


def _damage(
    engine: Engine, digest: str, name: str, change: Callable[[bytes], bytes], version_id: str, gate: str
) -> None:
    """Harms a stored file, judges, and mends it."""
    storage, key = engine.runtime.storage, keys.release_key(digest, name)
    whole = storage.get(key)
    for content in (change(whole), whole):  # what is stored is never overwritten
        storage.delete(key)
        assert storage.put(key, content)
        if content != whole:
            _refused(engine, engine.judge(version_id), gate)


def _leaked(engine: Engine) -> Callable[[], None]:
    """An earlier snapshot of the project says that held-out pictures were trained on; returns what takes it back."""
    storage = engine.runtime.storage
    with engine.runtime.read() as session:
        known = session.scalars(select(Snapshot).where(Snapshot.project_id == engine.project)).one()
    header, *lines = storage.get(known.storage_key).decode().splitlines()
    told = [json.dumps(json.loads(line) | {"held_out": False}) for line in lines]
    storage.put("snapshots/leaked", "\n".join([header, *told, ""]).encode())
    columns = {"image_count": IMAGES, "held_out_count": 0, "mask_count": 2 * IMAGES, "held_out_share": 0.0}
    leaked = Snapshot(project_id=engine.project, digest="f" * 64, storage_key="snapshots/leaked", **columns)
    with engine.runtime.write() as uow:
        uow.session.add(leaked)

    def forget() -> None:
        with engine.runtime.write() as uow:
            uow.session.delete(uow.session.get_one(Snapshot, leaked.id))

    return forget
