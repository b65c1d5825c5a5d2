"""What masks cost, from what the page saved and what became of proposals."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from backend.db.models import Round
from backend.engine.effort import Row
from backend.runtime import Runtime
from backend.services import metrics
from tests import make
from tests.engine import effort_oracle
from tests.engine.effort_oracle import Work
from tests.engine.test_effort import KEYS, histories
from tests.web import Browser, draft, mask


def save(browser: Browser, image_id: str, left: int, **fields: Any) -> dict[str, Any]:
    answer = browser.post(f"/api/images/{image_id}/annotations", json=draft(mask(left=left), **fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def figures(row: dict[str, Any]) -> dict[str, Any]:
    return {figure["name"]: figure for figure in row["figures"]}


def test_the_table_of_a_project(browser: Browser) -> None:
    project_id = browser.new_project()
    with browser.runtime.write() as uow:
        project = uow.session.get_one(make.models.Project, project_id)
        first, second = (make.image(uow, project, height=40, width=60).id for _ in range(2))
        version = make.model_version(uow, name="starter", version="7")
        uow.session.add(
            Round(project_id=project_id, number=3, trigger="admin", policy={}, candidate_version_id=version.id)
        )
        uow.session.flush()
        machine, image = make.actor(uow, kind="model"), uow.session.get_one(make.models.Image, second)
        fields = {"stage": "semi_automatic", "source": "automatic", "model_version_id": version.id, "counts": "x"}
        proposals = [
            make.annotation(uow, image, machine, state=state, decided_by_id=decider, **fields).id
            for state, decider in (("accepted", None), ("rejected", None), ("proposed", None), ("proposed", None))
        ]
        me = browser.get("/api/me").json()["id"]
        for proposal_id in proposals[:2]:
            uow.session.get_one(make.models.Annotation, proposal_id).decided_by_id = me
        make.annotation(uow, image, make.actor(uow), source="import")
    with browser.runtime.write() as uow:
        uow.session.get_one(make.models.Project, project_id).stage = "semi_automatic"
    save(browser, second, 20, active_seconds=4, wall_seconds=4.5, supersedes_id=proposals[2], brush_edits=2)
    with browser.runtime.write() as uow:
        uow.session.get_one(make.models.Project, project_id).stage = "assisted_manual"
    save(browser, first, 1, active_seconds=10, wall_seconds=30, model_version_id=version.id)
    gone = save(browser, first, 2, active_seconds=2, wall_seconds=2)
    assert browser.delete(f"/api/annotations/{gone['id']}").status_code == 204

    table = browser.get(f"/api/projects/{project_id}/effort").json()
    manual, semi = table["stages"]
    assert (manual["key"], manual["name"], manual["image_count"], manual["mask_count"]) == (
        *("assisted_manual", "Assisted-manual", 1),
        1,
    )
    told = figures(manual)
    assert (told["Active seconds per mask"]["value"], told["Wall seconds per mask"]["value"]) == (12, 32)
    assert told["Active seconds per mask"]["paper"] == "34 s at first, 14 s at the end"
    assert told["Clicks per mask"]["value"] == 2
    told = figures(semi)
    assert (semi["image_count"], semi["mask_count"], told["Masks per image"]["value"]) == (1, 2, 2)
    assert told["Active seconds per mask"]["value"] == 4
    assert told["Brush edits per mask"]["value"] == 2
    decided = [told[f"Proposals {what}"] for what in ("accepted as they are", "corrected", "rejected")]
    assert [(figure["value"], figure["n"]) for figure in decided] == [(pytest.approx(1 / 3), 3)] * 3

    versions = {row["name"]: row for row in table["versions"]}
    assert set(versions) == {"starter 7", "No model"}
    assert (versions["starter 7"]["round"], versions["starter 7"]["mask_count"]) == (3, 2)
    (me_row,) = table["annotators"]
    assert (me_row["key"], me_row["mask_count"], figures(me_row)["Proposals rejected"]["n"]) == (me, 3, 3)


def test_an_empty_project_has_no_rows(browser: Browser) -> None:
    answer = browser.get(f"/api/projects/{browser.new_project()}/effort")
    assert answer.json() == {"stages": [], "versions": [], "annotators": []}
    assert browser.get("/api/projects/x/effort").status_code == 404


def test_piles_of_the_fully_automatic_stage_count_on_both_databases(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        project, version = make.project(uow), make.model_version(uow)
        machine, ada = make.actor(uow, kind="model"), make.actor(uow, name="Ada")
        fields = {"source": "automatic", "state": "proposed", "stage": "fully_automatic"}
        images = [make.image(uow, project) for _ in range(2)]
        for image, count in zip(images, (1, 3), strict=True):
            for _ in range(count):
                make.annotation(uow, image, machine, model_version_id=version.id, **fields)
        make.annotation(uow, images[0], ada, active_seconds=8.0, prompts=[{"kind": "box", "x0": 1.0}])
        make.annotation(uow, make.image(uow, project, state="erased"), ada, active_seconds=100.0)
    with any_runtime.read() as session:
        table = metrics.of_project(session, project.id)
    manual, automatic = table["stages"]
    assert (automatic["image_count"], automatic["mask_count"]) == (2, 4)
    per_image = figures(automatic)["Masks per image"]
    assert (per_image["value"], per_image["n"], per_image["paper"]) == (2, 2, "about 100")
    assert [figures(manual)[name]["value"] for name in ("Active seconds per mask", "Clicks per mask")] == [8, 1]
    assert [row["name"] for row in table["annotators"]] == ["Ada"]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(works=histories())
def test_the_database_sums_what_the_rows_say_one_by_one(any_runtime: Runtime, works: list[Work]) -> None:
    """Against the plain oracle, in a project of its own beside those of the examples before."""
    with any_runtime.write() as uow:
        project, names = make.project(uow), {name: make.actor(uow, name=name).id for name in ("ada", "bob")}
        names["model"] = make.actor(uow, kind="model").id
        images = {name: make.image(uow, project) for name in "ij"}
        versions = {name: make.model_version(uow).id for name in ("v1", "v2")}
        ids: dict[str, str] = {}
        for work in works:
            fields = {"state": work.state, "stage": work.stage, "model_version_id": versions.get(work.version or "")}
            fields |= {"supersedes_id": ids.get(work.supersedes or ""), "decided_by_id": names.get(work.decider or "")}
            fields |= {"source": "click" if work.by_person else "automatic", "active_seconds": work.active_seconds}
            fields |= {"prompts": [{"kind": "box", "x0": 1.0}] * work.clicks}
            row = make.annotation(
                uow, images[work.image_id], uow.session.get_one(make.models.Actor, names[work.actor or ""]), **fields
            )
            ids[work.id] = row.id
        make.annotation(uow, images["i"], uow.session.get_one(make.models.Actor, names["ada"]), source="import")
    with any_runtime.read() as session:
        found = metrics.of_project(session, project.id)
    known = {**{value: key for key, value in versions.items()}, **{value: key for key, value in names.items()}}
    piled = [
        effort_oracle.Pile(work.image_id, work.stage, work.version, 1)
        for work in works
        if not work.by_person and work.stage == "fully_automatic" and work.state == "proposed"
    ]
    for name, key in zip(("stages", "versions", "annotators"), KEYS, strict=True):
        piles = [] if key == "by_person" else piled
        expected = {row.key: row for row in effort_oracle.table(works, piles, getattr(effort_oracle, key))}
        rows = {known.get(row["key"], row["key"]): row for row in found[name]}
        assert rows.keys() == expected.keys()
        for name_of_row, row in rows.items():
            assert _told(row) == _expected(expected[name_of_row])


def _told(row: dict[str, Any]) -> list[object]:
    figures = [(one["name"], one["n"], one["value"], one["low"], one["high"]) for one in row["figures"]]
    return [row["image_count"], row["mask_count"], *map(_near, figures)]


def _expected(row: Row) -> list[object]:
    figures = [(one.name, one.n, one.value, one.low, one.high) for one in row.figures]
    return [row.images, row.masks, *map(_near, figures)]


def _near(figure: tuple[object, ...]) -> tuple[object, ...]:
    """Sums of floats in another order differ in their last digits."""
    return tuple(round(value, 9) if isinstance(value, float) else value for value in figure)
