"""What a bad trainer makes never becomes active: its process runs for real, and the policy promotes what passes.

No limit of quality holds anything back here, so what is not seen to be broken moves the pointer.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

from backend.db.models import Round
from backend.runtime import Runtime
from backend.services import rounds
from tests.candidates import ANY_QUALITY, POLICY, Engine, failed, trainer

MINUTES = POLICY["training"]["minutes"]


def trained_by(engine: Engine, monkeypatch: pytest.MonkeyPatch, **recipe: Any) -> Round:
    """A whole round, whose training process follows another recipe than the job planned."""
    program = trainer(engine.folder / "trainer", recipe)
    with engine.runtime.write() as uow:
        row = rounds.start(uow, engine.project, None)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(program))
        engine.perform()
    return engine.now(row.id)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_what_a_bad_trainer_makes_never_becomes_active_and_what_a_good_one_makes_does(
    runtime: Runtime, tiny_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(runtime, tiny_release, tmp_path, POLICY | {"gates": ANY_QUALITY})

    hasty = trained_by(engine, monkeypatch, minutes=MINUTES / 100)
    assert (hasty.state, failed(hasty)) == ("judged", ["training"])
    assert hasty.gate_report is not None and "1 %" in hasty.gate_report["words"]
    assert not hasty.gate_report["overridable"] and engine.pointer() == engine.active

    broken = trained_by(engine, monkeypatch, learning_rate=1e38)
    assert broken.state == "failed" and "not finite" in str(broken.failure)
    assert broken.candidate_version_id is None and engine.pointer() == engine.active

    honest = trained_by(engine, monkeypatch)
    assert honest.state == "promoted", honest.gate_report
    assert engine.pointer() == honest.candidate_version_id != engine.active
