"""`maskmill simulate` from its first image to its report, with a model that never learned anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pycocotools.coco import COCO
from typer.testing import CliRunner

from backend.errors import Invalid
from backend.main import command_line
from backend.runtime import Runtime
from backend.services import promotions, rounds, stages
from backend.services.projects import overviews
from backend.simulation.world import local_settings
from tests.segmenter.test_data import write_coco

LONG = ("--patience", "1000", "--audit", "5")  # of a model that never learned: the brush ends every mask


def simulated(*words: str | Path) -> str:
    """In a process of its own: its rounds start others, whose words go where its own go."""
    command = [sys.executable, "-m", "backend.main", "simulate", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, exported_release: Path) -> Path:
    folder = tmp_path_factory.mktemp("simulation")
    write_coco(folder / "data", images=5)
    words = ("--data", folder / "data", "--model", exported_release, "--out", folder / "out")
    said = simulated(*words, "--rounds", "3", "--holdout", "1", "--minutes", "0.1", "--masks", "2", *LONG)
    assert "round 3: fully-automatic" in said
    return folder / "out"


@pytest.mark.slow
def test_the_report_has_a_row_for_every_round_with_intervals(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    assert [row["stage"] for row in report["rounds"]] == ["assisted_manual", "semi_automatic", "fully_automatic"]
    assert (report["images"], report["holdout"]) == (4, 1)
    for row in report["rounds"][:2]:
        assert row["decision"] == "insufficient_evidence"
        assert row["decided"] in ("promoted by override", "rejected") and row["reason"]
        for name in ("heldout_miou@1", "heldout_miou@3", "heldout_miou@5"):
            low, high = row[f"{name}_ci"]
            assert 0 <= low <= row[name] <= high <= 1
    first = report["rounds"][0]
    assert first["images"] == 2 and first["masks"] + first["given_up"] == 4
    assert report["start"]["heldout_miou@1"] is not None


@pytest.mark.slow
def test_the_page_can_be_read_and_names_the_paper(out: Path) -> None:
    page = (out / "report.html").read_text()
    ElementTree.fromstring(page.removeprefix("<!doctype html>\n"))  # noqa: S314 our own output
    assert "section 4, as published" in page and "fully automatic" in page


@pytest.mark.slow
def test_the_export_holds_what_was_accepted(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    exported = COCO(out / "export.json")
    assert len(exported.anns) == report["export"]["annotations"]
    made = sum(row["masks"] for row in report["rounds"])
    assert len(exported.anns) == made + 2  # the human masks of the held-out image


@pytest.mark.slow
def test_the_instance_can_be_opened_and_tells_the_same(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    runtime = Runtime.from_settings(local_settings(out / "instance"), send=lambda wakes: None)
    with runtime.read() as session:
        (project,) = overviews(session)
        states = [row["state"] for row in rounds.of_project(session, project["id"])]
        moves = promotions.history(session, project["id"])
        changes = stages.history(session, project["id"])
    runtime.close()
    assert project["stage"] == "fully_automatic" and len(changes) == 2
    promoted = sum(row.get("decided", "").startswith("promoted") for row in report["rounds"])
    assert sorted(states) == sorted(["promoted"] * promoted + ["rejected"] * (2 - promoted))
    assert sum(move["kind"] == "override" for move in moves) == promoted


def test_bad_wishes_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    write_coco(tmp_path / "data", images=3)
    words = ["simulate", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    failure = CliRunner().invoke(command_line(), words).exception
    assert isinstance(failure, Invalid) and "too few" in failure.detail
    assert not (tmp_path / "out").exists()
    (tmp_path / "out" / "instance").mkdir(parents=True)
    assert CliRunner().invoke(command_line(), words).exit_code == 2
