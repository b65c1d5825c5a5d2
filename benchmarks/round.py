"""A round by itself, from its trigger to the gate report, on the images of COCO folders, with the shipped starter.

    python -m benchmarks.round --data DIR [DIR ...] [--minutes N] [--model DIR]

Everything is the product's: services, jobs, database, storage, the training process and those of the comparison.
Images are imported and embedded before the clock starts. One line of JSON for each job and for all of them: wall time,
and processor time of this process and of its children.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

import migrations
from backend.db.models import Job, Project, Round
from backend.db.session import engine_from_url
from backend.engine import policy
from backend.runtime import Runtime
from backend.services import imports, model_versions, rounds
from backend.settings import Settings
from benchmarks.report import machine
from segmenter.manifest import STARTER
from workers import handlers, job
from workers.here import perform_due

assert handlers.__all__
JOBS = ("freeze", "train", "evaluate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="COCO folders")
    parser.add_argument("--minutes", type=float, default=4.0, help="of training")
    parser.add_argument(
        "--model", type=Path, default=STARTER, help="folder of the release that the project begins with"
    )
    options = parser.parse_args()
    print(machine())
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        engine = engine_from_url(settings.database_url)
        migrations.upgrade(engine)
        engine.dispose()
        runtime = Runtime.from_settings(settings, send=lambda wakes: None)
        model_versions.register_release(runtime, options.model)
        measure(runtime, options.data, options.minutes)
        runtime.close()


def measure(runtime: Runtime, data: list[Path], minutes: float) -> None:
    """Imports, begins a round and performs its jobs one after the other."""
    project_id = imports.import_paths(runtime, "Round", data).project_id
    perform_due(runtime)
    training = replace(policy.Training(), minutes=minutes, mode="decoder")
    with runtime.write() as uow:
        project = uow.session.get_one(Project, project_id)
        project.policy = policy.chosen(policy.ProjectPolicy(training=training))
        uow.session.flush()
        row = rounds.start(uow, project_id, None)
    begun = _clocks()
    for kind in JOBS:
        started = _clocks()
        with runtime.read() as session:
            job_id = session.scalars(select(Job.id).where(Job.kind == kind)).one()
        _say(kind, started, outcome=job.perform(runtime, job_id))
    with runtime.read() as session:
        ended = session.get_one(Round, row.id)
    _say("round", begun, state=ended.state, decision=ended.decision, **_known(ended))
    if ended.gate_report is None:
        raise SystemExit(f"the round did not come to its report: {ended.failure}")


def _known(row: Round) -> dict[str, Any]:
    return {name: row.figures.get(name) for name in ("counts", "training", "held_out")}


def _clocks() -> tuple[float, float, float]:
    mine, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return time.monotonic(), mine.ru_utime + mine.ru_stime, children.ru_utime + children.ru_stime


def _say(name: str, since: tuple[float, float, float], **more: Any) -> None:
    wall, mine, children = (round(now - then, 1) for now, then in zip(_clocks(), since, strict=True))
    told = {"name": name, "wall_seconds": wall, "cpu_seconds": mine, "children_cpu_seconds": children}
    print(json.dumps(told | more), flush=True)


if __name__ == "__main__":
    main()
