"""`maskmill evaluate compare` as it is typed: words, figures and a page; one line for what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

from segmenter.evaluate.rows import write_results
from tests.segmenter.test_compare import scored
from tests.test_model_commands import maskmill


def test_two_evaluations_are_compared_in_words_figures_and_a_page(tmp_path: Path) -> None:
    write_results(tmp_path / "tuned", {}, scored(0.1, 0.02, 1))
    write_results(tmp_path / "plain", {}, scored(0.0, 0.02, 2))
    done = maskmill("evaluate", "compare", tmp_path / "tuned", tmp_path / "plain", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "120 masks on both sides" in done.stdout and "tuned is better" in done.stdout
    content = json.loads((tmp_path / "out" / "compare.json").read_text())
    one = content["differences"]["macro"]["iou@1"]
    assert (content["first"], content["second"], content["pairs"]) == ("tuned", "plain", 120)
    assert one["low"] < one["difference"] < one["high"] and 0.09 < one["difference"] < 0.11
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()


def test_a_folder_without_rows_is_refused_in_one_line(tmp_path: Path) -> None:
    done = maskmill("evaluate", "compare", tmp_path, tmp_path)
    assert done.returncode != 0 and "has no masks.jsonl" in done.stderr and "Traceback" not in done.stderr
