"""SIGKILL of a worker whose comparison ends in a promotion: it is promoted once, and the job ends."""

from pathlib import Path

import pytest
from sqlalchemy import update

from backend.db.models import Job
from backend.runtime import Runtime
from backend.services import promotions
from tests import make
from tests.candidates import Engine
from tests.faults.promoter import KILLED, Moment, in_a_process, perform_one, roll_back
from workers.job import perform

MOMENTS: dict[str, Moment] = {
    "in the comparison": ("SET done_count", "after"),
    "before the pointer moves": ("UPDATE project", "before"),
    "at the commit": ("INSERT INTO promotion", "at the commit"),
    "after the commit": ("INSERT INTO promotion", "after"),
}


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_comparison_that_is_killed_promotes_once_and_ends(
    runtime: Runtime, tiny_release: Path, exported_release: Path, tmp_path: Path
) -> None:
    engine = Engine(runtime, tiny_release, tmp_path)
    good = engine.stored(exported_release)
    promoted: list[str] = []
    for name, moment in MOMENTS.items():
        round_id = engine.rest_with(good)
        (job_id,) = engine.asked_to_judge(round_id, good)
        assert in_a_process(runtime.settings, perform_one, moment, job_id) == KILLED
        moved = name == "after the commit"
        assert (engine.pointer() == good) == moved, name
        assert engine.now(round_id).state == ("promoted" if moved else "evaluating")

        with runtime.write() as uow:  # time goes by
            uow.session.execute(update(Job).where(Job.state == "running").values(lease_expires_at=make.long_ago()))
        assert perform(runtime, job_id) == ("taken" if moved else "done"), name
        promoted.append(round_id)
        assert engine.now(round_id).state == "promoted" and engine.pointer() == good
        with runtime.read() as session:
            log = promotions.moves(session, engine.project)
            assert session.get_one(Job, job_id).state == "done"
        assert [row.round_id for row in log if row.kind == "promotion"] == promoted
        roll_back(runtime, engine.project)
        assert engine.pointer() == engine.active
