"""Another version becomes active: with a real, tiny model its proposals take the place of those that nobody touched."""

from pathlib import Path

from sqlalchemy import select

from backend.db.models import Annotation, Assignment, Generation, Image
from backend.runtime import Runtime
from backend.services import accounts, annotations, model_versions, promotions, rollbacks
from tests import make
from tests.releases import write_tiny_release
from tests.workers.test_generate import project_in
from workers import handlers

assert handlers.__all__

# An untrained model is unsure of everything: all of its masks are confident.
POLICY = {"confident": {"min_predicted_iou": 0.0, "min_stability": 0.0}, "proposals": {"points_per_side": 3}}


def test_a_newer_version_proposes_by_itself_and_a_rollback_brings_the_old_masks_back(
    runtime: Runtime, tiny_release: Path, tmp_path: Path
) -> None:
    project = project_in(runtime, tiny_release, tmp_path, count=6)
    assert project.active_version_id is not None
    older = project.active_version_id
    with runtime.write() as uow:
        row = uow.session.get_one(type(project), project.id)
        row.stage, row.policy = "semi_automatic", POLICY
        person = accounts.owner(uow).id
        uow.enqueue("renew", "renew:stage", project.id, cause="stage", cause_id="the step to this stage")
    make.work_off(runtime)
    newer = model_versions.register_release(runtime, write_tiny_release(tmp_path / "newer", seed=5)).id
    with runtime.write() as uow:
        finished = uow.session.scalars(select(Image.id).order_by(Image.id).limit(1)).one()
        uow.session.add(Assignment(image_id=finished, actor_id=person, state="done", complete=True))
        query = select(Annotation).where(Annotation.image_id != finished)
        one_each = {one.image_id: one for one in uow.session.scalars(query.order_by(Annotation.id))}
        accepted, rejected, flagged, *untouched = (one.id for one in one_each.values())
        annotations.accept(uow, accepted, person)
        annotations.delete(uow, rejected, person)
        uow.session.get_one(Annotation, flagged).flag = "two things in one"
    assert untouched
    with runtime.write() as uow:
        promotions.move(uow, project.id, older, newer, "manual", person)
    make.work_off(runtime)
    states, of_newer = _states(runtime, newer)
    assert [states[one] for one in (accepted, rejected, flagged)] == ["accepted", "rejected", "proposed"]
    assert {states[one] for one in untouched} == {"withdrawn"}
    assert of_newer and set(of_newer.values()) == {"proposed"}
    with runtime.read() as session:
        on_finished = select(Annotation.model_version_id).where(Annotation.image_id == finished)
        assert set(session.scalars(on_finished)) == {older}, "what is complete is left alone"

    with runtime.write() as uow:
        rollbacks.rollback(uow, project.id, person, "worse on cups")
    make.work_off(runtime)
    states, of_newer = _states(runtime, newer)
    assert {states[one] for one in untouched} == {"proposed"} and set(of_newer.values()) == {"withdrawn"}
    assert [states[one] for one in (accepted, rejected, flagged)] == ["accepted", "rejected", "proposed"]
    with runtime.read() as session:
        runs = session.execute(select(Generation.model_version_id, Generation.state, Generation.image_count))
        assert sorted(runs) == sorted([(older, "done", 6), (newer, "done", 5), (older, "done", 5)])


def _states(runtime: Runtime, version_id: str) -> tuple[dict[str, str], dict[str, str]]:
    with runtime.read() as session:
        rows = session.scalars(select(Annotation)).all()
    of_version = {one.id: one.state for one in rows if one.model_version_id == version_id}
    return {one.id: one.state for one in rows}, of_version
