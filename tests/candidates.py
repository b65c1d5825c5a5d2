"""A project with a round whose policy promotes whatever passes its gates, and candidates to judge through real jobs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backend.db.models import Job, Project, Round, Snapshot
from backend.runtime import Runtime
from backend.services import model_versions, rounds
from segmenter import manifest as names
from segmenter.manifest import file_digest, read_manifest
from tests.annotated import annotated_project
from workers import handlers
from workers.job import perform
from workers.rounds import folder_of

assert handlers.__all__
POLICY: dict[str, Any] = {
    "promotion": "automatic",
    "training": {"held_out_share": 0.4, "mode": "decoder", "minutes": 0.1},
    "gates": {"held_out_images": 3, "slice_masks": 3},
}
# Quality decides nothing: a candidate that is not stopped by a gate of integrity becomes active.
ANY_QUALITY = {"points": 100, "clicks": 20, "slice_points": 100, "mask_count": 100, "held_out_images": 1}
IMAGES = 10
TRAINING = {"done_steps": 200, "done_share": 1.0, "images": 6, "mode": "decoder"}
Harm = Callable[[Path], None]


class Engine:
    """A project served by ``release``; its round can judge any candidate as what its trainer made."""

    def __init__(self, runtime: Runtime, release: Path, folder: Path, policy: Mapping[str, Any] = POLICY) -> None:
        self.runtime, self.folder = runtime, folder
        self.project = annotated_project(runtime, release, folder, IMAGES).id
        with runtime.write() as uow:
            project = uow.session.get_one(Project, self.project)
            project.policy, self.active = dict(policy), project.active_version_id

    def rest_with(self, candidate: str) -> str:
        """A round that rests with a candidate, as if it had trained it; its id."""
        with self.runtime.write() as uow:
            row = rounds.start(uow, self.project, None, steps="train", candidate_version_id=candidate)
        self.perform()
        return row.id

    def stored(self, release: Path) -> str:
        """The id of a candidate's version, stored as the training job stores it."""
        manifest = model_versions.store_release(self.runtime, release)
        with self.runtime.write() as uow:
            return model_versions.insert(uow, manifest, "candidate").id

    def harmed(self, release: Path, harm: Harm) -> str:
        """A candidate whose files were harmed before its manifest was written."""
        copy = Path(shutil.copytree(release, self.folder / f"{harm.__name__}"))
        harm(copy)
        manifest = read_manifest(copy)
        for name in manifest["files"]:
            manifest["files"][name]["digest"] = file_digest(copy / name)
        (copy / names.MANIFEST).write_text(json.dumps(manifest | {"digest": file_digest(copy / names.WEIGHTS)}))
        return self.stored(copy)

    def judge(self, round_id: str, version_id: str, **training: Any) -> Round:
        """Evaluates a version as what the round's trainer made, on a worker that has not seen it before."""
        self.asked_to_judge(round_id, version_id, **training)
        self.perform()
        return self.now(round_id)

    def asked_to_judge(self, round_id: str, version_id: str, **training: Any) -> list[str]:
        """The jobs that wait after an evaluation was asked for."""
        shutil.rmtree(folder_of(self.runtime, round_id), ignore_errors=True)
        with self.runtime.write() as uow:
            row = uow.session.get_one(Round, round_id)
            digest = uow.session.get_one(Snapshot, row.snapshot_id).digest
            row.candidate_version_id = version_id
            row.figures = row.figures | {"training": TRAINING | {"snapshot_digest": digest} | training}
            rounds.evaluate(uow, round_id)
        return self.waiting()

    def now(self, round_id: str) -> Round:
        with self.runtime.read() as session:
            return session.get_one(Round, round_id)

    def perform(self) -> None:
        """Every job that waits, and what they ask for."""
        while waiting := self.waiting():
            for job_id in waiting:
                assert perform(self.runtime, job_id) == "done"

    def waiting(self) -> list[str]:
        with self.runtime.read() as session:
            return list(session.scalars(select(Job.id).where(Job.state == "queued").order_by(Job.created_at)))

    def pointer(self) -> str | None:
        with self.runtime.read() as session:
            return session.get_one(Project, self.project).active_version_id


def failed(row: Round) -> list[str]:
    """The names of the gates that a round's candidate did not pass."""
    assert row.gate_report is not None
    return [gate["name"] for gate in row.gate_report["gates"] if not gate["passed"]]


def trainer(file: Path, recipe: Mapping[str, Any]) -> Path:
    """A program that is Python, except that the training processes it starts follow another ``recipe`` than planned."""
    lines = (
        f"#!{sys.executable}",
        "import json, os, pathlib, sys",
        "if sys.argv[1:3] == ['-m', 'workers.round_child']:",
        "    file = pathlib.Path(sys.argv[3], 'plan.json')",
        "    told = json.loads(file.read_text())",
        "    plan = json.loads(told['plan'])",
        f"    plan['recipe'] |= {dict(recipe)!r}",
        "    file.write_text(json.dumps(told | {'plan': json.dumps(plan)}))",
        f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])",
    )
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o700)
    return file
