"""The benchmark of a round runs to its report on a COCO folder; never how fast, which machines decide."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from segmenter import masks
from tests.annotated import HEIGHT, WIDTH, shapes

ROOT = Path(__file__).parents[1]


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """Ten pictures with two masks each."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    told: list[dict[str, object]] = []
    for number in range(10):
        picture, objects = shapes(number)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture)
        told += [{"image_id": number, "category_id": 1, "segmentation": dict(masks.encode(one))} for one in objects]
    images = [{"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in range(10)]
    annotations = [{"id": place, **one} for place, one in enumerate(told)]
    document = {"categories": [{"id": 1, "name": "thing"}], "images": images, "annotations": annotations}
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_round_is_measured_from_its_trigger_to_its_report(coco_folder: Path, tiny_release: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.round", "--data", str(coco_folder), "--minutes", "0.1"]
    done = subprocess.run(
        [*command, "--model", str(tiny_release)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert " cores, " in done.stdout.splitlines()[0]
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines()[1:])}
    assert list(rows) == ["freeze", "train", "evaluate", "round"]
    assert [rows[kind]["outcome"] for kind in ("freeze", "train", "evaluate")] == ["done"] * 3
    told = rows["round"]
    assert (told["state"], told["decision"]) == ("judged", "insufficient_evidence"), "few images are held out"
    assert told["wall_seconds"] >= rows["train"]["wall_seconds"] >= 6 and rows["train"]["children_cpu_seconds"] > 0
    assert told["training"]["done_share"] == 1.0
