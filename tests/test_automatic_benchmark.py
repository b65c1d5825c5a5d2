"""The benchmark of automatic masks: its peer is faithful, and it runs to its end."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.reference_automask import reference_embedding, reference_records
from segmenter import masks
from segmenter.automask_config import AutomaskConfig
from segmenter.golden.models import rebuilt
from tests.segmenter import golden

ROOT = Path(__file__).parents[1]


def test_the_peer_gives_the_records_of_the_reference() -> None:
    run = golden.read("sam/amg.json")["runs"][0]
    assert (run["image"], run["name"]) == ("synth", "grid8")
    known = {field.name for field in dataclasses.fields(AutomaskConfig)}
    config = AutomaskConfig(**{name: value for name, value in run["params"].items() if name in known})
    model, rgb = rebuilt(golden.SMALL), golden.synthetic()
    found = reference_records(model, reference_embedding(model, rgb), rgb.shape[:2], config)
    assert len(found) == len(run["records"])
    for ours, theirs in zip(found, run["records"], strict=True):
        assert ours.keys() == theirs.keys()
        assert all(ours[name] == theirs[name] for name in ("bbox", "point_coords", "crop_box"))
        assert ours["predicted_iou"] == pytest.approx(theirs["predicted_iou"], abs=1e-5)
        assert ours["stability_score"] == pytest.approx(theirs["stability_score"], abs=1e-3)
        runs = [masks.parse([180, 240], one["segmentation"]["counts"], (180, 240)) for one in (ours, theirs)]
        assert masks.iou(*runs) >= 0.999 and ours["area"] == masks.area(runs[0])


@pytest.mark.slow
def test_the_benchmark_prints_its_comparisons() -> None:
    command = [sys.executable, "-m", "benchmarks.automatic", "--small", "--size", "120", "180", "--threads", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [row["unit"] for row in rows] == ["CPU s", "MiB"] and all(row["ratio"] > 0 for row in rows)
    assert "least best IoU" in done.stdout
