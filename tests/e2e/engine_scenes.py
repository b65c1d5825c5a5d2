"""The scenes of the engine's pages: rounds, automatic masks, and the queue of an audit."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select

from backend.db.models import ModelVersion, Project, Round
from backend.engine.gates import Compared, GateFigures, MaskCounts, Parity, Slice, judge
from backend.runtime import Runtime
from tests import make
from tests.e2e.pages import READY_MS
from tests.e2e.scenes import Look
from tests.e2e.serving import Server

PICTURES_SHOWN = """() => [...document.images].every((image) =>
  image.complete || !image.checkVisibility() || image.getBoundingClientRect().top > innerHeight)"""
COUNTS = {"human_masks": 412, "train_images": 118, "held_out_images": 61, "held_out_masks": 203}


def visit(server: Server, page: Page, look: Look) -> None:
    """From the export of a project with some masks; a second visit meets what the first one left."""
    page.keyboard.press("Escape")
    project_id = page.url.partition("/projects/")[2].partition("/")[0]
    rounds(server, page, project_id, look)
    automatic(page, look)
    audit(page, look)


def rounds(server: Server, page: Page, project_id: str, look: Look) -> None:
    """A project without any round; then one with a rejected candidate and one that waits for a decision."""
    with server.behind() as runtime:
        hide_rounds(runtime, project_id)
        page.get_by_test_id("tab-rounds").click()
        expect(page.get_by_test_id("stage-card")).to_be_visible()
        look(page, "rounds-first")
        example_rounds(runtime, project_id)
    page.reload()
    expect(page.get_by_test_id("gate-report")).to_be_visible()
    look(page, "rounds")
    page.get_by_test_id("policy-button").click()
    expect(page.get_by_test_id("policy-dialog")).to_be_visible()
    look(page, "policy")
    page.keyboard.press("Escape")


def hide_rounds(runtime: Runtime, project_id: str) -> None:
    with runtime.write() as uow:
        for row in uow.session.scalars(select(Round).where(Round.project_id == project_id)):
            uow.session.delete(row)


def example_rounds(runtime: Runtime, project_id: str) -> None:
    """Rounds as workers leave them, with example figures that the gates themselves judge."""
    worse, better = figures(-0.021), figures(0.034)
    with runtime.write() as uow:
        active = uow.session.get_one(Project, project_id).active_version_id
        base = uow.session.get_one(ModelVersion, active)
        now = dt.datetime.now(dt.UTC)
        for number, (found, state) in enumerate(((worse, "rejected"), (better, "judged")), 1):
            candidate = make.model_version(
                uow, name=base.name, version=f"1.{number}", encoder_digest=base.encoder_digest, state="candidate"
            )
            report = judge(found)
            began = now - dt.timedelta(days=3 - number, minutes=20)
            known: dict[str, Any] = {"project_id": project_id, "number": number, "state": state, "trigger": "masks"}
            known |= {"policy": {}, "base_version_id": active, "candidate_version_id": candidate.id}
            known |= {"gate_report": report.as_json(), "decision": report.decision}
            known |= {"started_at": began, "ended_at": began + dt.timedelta(minutes=7)}
            told = {"counts": COUNTS, "curve": curve(), "held_out": held_out(found)}
            uow.session.add(Round(**known, figures=told, reason="Worse on small things" if state == "rejected" else ""))


def figures(gain: float) -> GateFigures:
    """A whole candidate whose overlaps differ by so much from those of the active version."""
    means = {"miou@1": 0.612, "miou@3": 0.731, "miou@5": 0.774}
    compared = {name: Compared(mean + gain, mean, gain - 0.012, gain + 0.013) for name, mean in means.items()}
    compared["noc@85"] = Compared(6.1 - 20 * gain, 6.1, -20 * gain - 0.4, -20 * gain + 0.4)
    parts = (("small", 58, 0.55), ("medium", 97, 0.72), ("large", 48, 0.81))
    slices = tuple(Slice("size", name, count, mean + gain, mean) for name, count, mean in parts)
    return GateFigures(
        refusal="",
        finite=True,
        same_architecture=True,
        parity=Parity(2e-5, 1.0),
        done_steps=1900,
        done_share=1.0,
        snapshot_digest="a",
        trained_digest="a",
        leaked_images=0,
        held_out_images=COUNTS["held_out_images"],
        held_out_masks=COUNTS["held_out_masks"],
        compared=compared,
        slices=slices,
        mask_counts=MaskCounts(1540, 1492, 20),
    )


def held_out(found: GateFigures) -> dict[str, Any]:
    """What the curve over the rounds shows of a comparison."""
    one: dict[str, Any] = {}
    for name, compared in found.compared.items():
        one |= {name: compared.candidate, f"{name}_ci": [compared.candidate - 0.03, compared.candidate + 0.03]}
    return {"candidate": one}


def curve() -> list[dict[str, float]]:
    """A loss that falls and trembles."""
    return [
        {"step": step, "loss": 0.9 * math.exp(-step / 500) + 0.5 + 0.06 * math.sin(step * 1.7)}
        for step in range(0, 1900, 10)
    ]


def automatic(page: Page, look: Look) -> None:
    page.get_by_test_id("tab-automatic").click()
    expect(page.get_by_test_id("start-generation")).to_be_visible()
    card = page.get_by_test_id("generation")
    if not card.count():
        page.get_by_test_id("points-per-side").fill("5")
        page.get_by_test_id("start-generation").click()
    expect(card).to_have_attribute("data-state", "done", timeout=READY_MS)
    expect(page.get_by_test_id("kept")).to_be_visible(timeout=READY_MS)
    page.wait_for_function(PICTURES_SHOWN)
    look(page, "automatic")


def audit(page: Page, look: Look) -> None:
    """A sample of two: the first mask is corrected and handed in at the first visit, the second is looked at."""
    page.get_by_test_id("tab-quality").click()
    expect(page.get_by_test_id("new-audit")).to_be_visible()
    first = not page.get_by_test_id("audit").count()
    if first:
        page.get_by_test_id("new-audit").click()
        page.get_by_test_id("sample-size").fill("2")
        page.get_by_test_id("start-audit").click()
    else:
        page.get_by_test_id("open-audit").click()
    pad = page.get_by_test_id("pad")
    expect(pad).to_be_visible(timeout=READY_MS)
    if first:
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("audit-progress")).to_contain_text("1 of 2")
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 + 20, steps=3)
    page.mouse.up()
    look(page, "audit")
    page.goto(page.url.partition("/audits/")[0] + "/quality")
