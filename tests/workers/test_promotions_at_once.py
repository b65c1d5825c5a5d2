"""Two good candidates of one project at once: exactly one becomes active, through the real jobs, on both databases."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.models import Job, Project
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import promotions, rounds
from tests import servers
from tests.candidates import POLICY, Engine
from tests.releases import write_exported_release


@pytest.fixture(scope="module")
def other_release(tmp_path_factory: pytest.TempPathFactory, exported_release: Path) -> Path:
    """As good as `exported_release`, and another one."""
    return write_exported_release(tmp_path_factory.mktemp("other"), exported_release)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_person_and_the_policy_promote_at_once_and_exactly_one_wins(
    any_runtime: Runtime, tiny_release: Path, exported_release: Path, other_release: Path, tmp_path: Path
) -> None:
    engine = Engine(any_runtime, tiny_release, tmp_path, POLICY | {"promotion": "manual"})
    ours, theirs = engine.stored(exported_release), engine.stored(other_release)
    by_person = engine.rest_with(ours)
    judged = engine.judge(by_person, ours)
    assert (judged.state, judged.decision) == ("judged", "promote"), judged.gate_report
    with any_runtime.write() as uow:
        uow.session.get_one(Project, engine.project).policy = POLICY
    by_policy = engine.rest_with(theirs)

    said: list[str] = []
    person = threading.Thread(target=lambda: said.append(insist(engine, by_person)))
    person.start()
    compared = engine.judge(by_policy, theirs)
    person.join(300)

    with any_runtime.read() as session:
        log = promotions.moves(session, engine.project)
        active = session.get_one(Project, engine.project).active_version_id
    assert compared.decision == "promote", compared.gate_report
    states = {by_person: engine.now(by_person).state, by_policy: compared.state}
    assert sorted(states.values()) == ["judged", "promoted"]
    (winner,) = [round_id for round_id, state in states.items() if state == "promoted"]
    assert [(row.from_version_id, row.to_version_id, row.round_id) for row in log] == [(engine.active, active, winner)]
    assert active == (ours if winner == by_person else theirs)
    assert said == ["promoted" if winner == by_person else "moved"]

    loser = by_policy if winner == by_person else by_person
    with pytest.raises(Conflict) as refused, any_runtime.write() as uow:
        promotions.promote(uow, loser, None, "I insist", seen_version_id=active)
    assert refused.value.code == "moved", "it was compared with a version that serves no more"
    with any_runtime.write() as uow:
        rounds.evaluate(uow, loser)
    engine.perform()
    assert engine.now(loser).base_version_id == active, "compared again, with the one that won"


def insist(engine: Engine, round_id: str) -> str:
    """A person who promotes once the other round's comparison is under way."""

    def under_way() -> bool:
        with engine.runtime.read() as session:
            query = select(Job.message).where(Job.kind == "evaluate", Job.state == "running")
            return any(message.startswith("Comparing") for message in session.scalars(query))

    servers.wait_until(under_way, "the comparison", 300)
    try:
        with engine.runtime.write() as uow:
            promotions.promote(uow, round_id, None)
    except Conflict as error:
        return error.code
    return "promoted"
