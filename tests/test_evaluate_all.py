"""`evaluate all`: every table for what is there, and the rest by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.segmenter.test_data import write_coco
from tests.segmenter.test_edge_run import write_set
from tests.segmenter.test_evaluate import tiny_model
from tests.test_evaluate_commands import refused, run


@pytest.mark.slow
def test_every_table_is_made_and_what_is_absent_is_named(tmp_path: Path) -> None:
    write_set(tmp_path / "data" / "marked", images=1)
    write_coco(tmp_path / "data" / "plain", images=1, name="dsb2018")
    words = ("--data", tmp_path / "data", "--model", tiny_model(tmp_path), "--grid", "2", "--jobs", "1", "--limit", "1")
    said = run("all", *words, "--out", tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(metrics["tables"]) == ["clicks", "proposals", "instances", "edges"] and metrics["failed"] == {}
    assert {"shapes/dev", "dsb2018/dev"} == set(metrics["tables"]["clicks"]) and len(metrics["absent"]) == 22
    assert metrics["without_boundaries"] == [str(tmp_path / "data" / "plain")]
    assert "no boundaries.npz" in said and "PPDLS" in said and "BBBC038v1" not in said
    for table in metrics["tables"]:
        written = json.loads((tmp_path / "out" / table / "metrics.json").read_text())
        assert written["table"] == table and written["datasets"] == metrics["tables"][table]
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.slow
def test_a_table_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "plain", images=1)
    words = ("--data", folder, "--model", tiny_model(tmp_path), "--grid", "2", "--jobs", "1", "--out", tmp_path / "out")
    said = run("all", *words)
    assert "no table of edges: no picture with human boundary maps" in said
    (tmp_path / "split.json").write_text(json.dumps({"evaluate": {}}))
    assert "clicks: no picture with a mask" in refused("all", *words, "--split", tmp_path / "split.json")
