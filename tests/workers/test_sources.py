"""Both sources of automatic masks held against people's masks: which images count, what is a hit, and the command."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from backend.db.models import Annotation, Assignment, Image, Project
from backend.errors import Conflict
from backend.main import command_line
from backend.runtime import Runtime
from backend.services import accounts, detectors, stages
from segmenter import masks
from tests import make
from tests.workers.test_generate import project_in
from workers import handlers, sources

assert handlers.__all__

POLICY = {
    "training": {"held_out_share": 0.9},
    "confident": {"min_predicted_iou": 0.0, "min_stability": 0.0},
    "proposals": {"points_per_side": 3, "min_box_score": 0.0},
}


def test_a_mask_takes_one_object_and_an_object_is_found_once() -> None:
    ious = np.array([[0.9, 0.6], [0.8, 0.2], [0.7, 0.5], [0.9, 0.9]])
    assert sources.matched(ious) == 2
    assert sources.matched(ious[[1, 2]]) == 2
    assert sources.matched(ious[[]]) == 0 and sources.matched(np.zeros((3, 0))) == 0
    assert sources.matched(np.array([[0.49]])) == 0


def finish(runtime: Runtime, project: Project) -> None:
    """Every image complete, with a mask of a person in its middle and one that a machine made."""
    pixels = np.zeros((30, 40), np.bool_)
    pixels[8:22, 10:30] = True
    fields = {"counts": masks.compress(masks.runs_of(pixels)), "box_x": 10, "box_y": 8, "box_w": 20, "box_h": 14}
    with runtime.write() as uow:
        person, machine = accounts.owner(uow), make.actor(uow, kind="model")
        for image in uow.session.scalars(select(Image)).all():
            make.annotation(uow, image, person, area=280, **fields)
            make.annotation(uow, image, machine, source="automatic", area=280, **fields)
            done = {"image_id": image.id, "actor_id": person.id, "state": "done", "complete": True}
            uow.session.add(Assignment(**done))
        stages.set_policy(uow, project.id, POLICY)


def test_both_sources_on_what_is_finished_and_nothing_is_stored(
    runtime: Runtime, tiny_release: Path, tmp_path: Path
) -> None:
    project = project_in(runtime, tiny_release, tmp_path, count=8)
    with pytest.raises(Conflict) as refused:
        sources.compare(runtime, project.id, 9)
    assert refused.value.code == "no_detector"
    finish(runtime, project)
    with runtime.write() as uow:
        stages.set_policy(uow, project.id, POLICY | {"training": {"held_out_share": 0.5}})
        detectors.request(uow, project.id, minutes=0.02)
    make.work_off(runtime)
    with runtime.read() as session:
        before = session.scalar(select(func.count()).select_from(Annotation))
    found = sources.compare(runtime, project.id, 9)
    assert 0 < found.images < 8 and found.objects == found.images, "machines' masks are not the truth"
    assert sources.compare(runtime, project.id, 1).images == 1
    with runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == before
    assert list(found.by_source) == ["automatic", "detector"]
    for one in found.by_source.values():
        assert one.kept >= one.confident >= one.confident_right >= 0 and one.kept >= one.kept_right
        assert one.kept_right <= found.objects and 0 <= (one.ap50() or 0) <= 1
    assert found.by_source["automatic"].kept > 0
    told = CliRunner().invoke(
        command_line(), ["evaluate", "sources", project.id, "--data", str(runtime.settings.data_dir)]
    )
    assert told.exit_code == 0, told.output
    assert "grid of points" in told.output and "box detector" in told.output
