"""`segment everything` as it is typed, in processes of its own, with the shipped starter."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as oracle
from typer.testing import CliRunner

from backend.commands.segment_everything import segment_everything
from backend.errors import Invalid
from backend.formats import sa1b
from backend.main import command_line
from segmenter.automask_config import AUTOMASK_PRESETS
from tests.test_model_commands import maskmill

FIELDS = {"id", "segmentation", "bbox", "area", "predicted_iou", "stability_score", "crop_box", "point_coords"}
FEW = ("--points-per-side", "4", "--threads", "1")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return maskmill("segment", "everything", *arguments, *FEW)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, one below it, one that stands for sa_7, and a file that is none."""
    from skimage.data import coins

    folder = tmp_path_factory.mktemp("pictures")
    (folder / "below").mkdir()
    Image.fromarray(coins()).save(folder / "coins.png")
    Image.fromarray(coins()).transpose(Image.Transpose.ROTATE_90).save(folder / "below" / "turned.png")
    Image.fromarray(coins()[:60, :90]).save(folder / "sa_7.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photograph")
    (folder / "notes.txt").write_text("not a picture")
    for name in (".hidden.png", "old.overlay.jpg"):  # hidden, and of an earlier run: both are left alone
        Image.fromarray(coins()[:60, :90]).save(folder / name)
    return folder


@pytest.mark.slow
def test_a_folder_becomes_files_that_pycocotools_reads_and_the_broken_picture_is_named(
    pictures: Path, tmp_path: Path
) -> None:
    done = run(pictures, "--out", tmp_path, "--overlay")
    assert done.returncode == 1 and "1 of 4 pictures failed" in done.stderr and "broken.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert "preset starter" in done.stdout and "predicted IoU > 0.36" in done.stdout and "coins.png: " in done.stdout
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    names = ["below/turned", "coins", "sa_7"]
    assert written == sorted(f"{name}{suffix}" for name in names for suffix in (".json", ".overlay.jpg"))
    for name in names:
        document = json.loads((tmp_path / f"{name}.json").read_text())
        size = (document["image"]["height"], document["image"]["width"])
        assert document.keys() == {"image", "annotations"}
        for annotation in document["annotations"]:
            assert annotation.keys() == FIELDS
            bitmap = oracle.decode(annotation["segmentation"])
            assert bitmap.shape == size and int(bitmap.sum()) == annotation["area"] > 0
            assert oracle.toBbox(annotation["segmentation"]).tolist() == annotation["bbox"]
            x, y = annotation["point_coords"][0]
            assert 0 <= x < size[1] and 0 <= y < size[0] and annotation["crop_box"] == [0, 0, size[1], size[0]]
        with Image.open(tmp_path / f"{name}.overlay.jpg") as shown:
            assert (shown.height, shown.width) == size
    assert sa1b.read_image(tmp_path / "sa_7.json")[0] == sa1b.Sa1bImage(7, 90, 60, "sa_7.jpg")
    turned, annotations = sa1b.read_image(tmp_path / "below" / "turned.json")
    assert turned.file_name == "below/turned.png" and len(annotations) >= 3


@pytest.mark.slow
def test_settings_parts_and_pictures_that_are_done(pictures: Path, tmp_path: Path) -> None:
    from skimage.data import astronaut

    picture = tmp_path / "astronaut.png"  # a suit with badges on it
    Image.fromarray(astronaut()).save(picture)
    first = run(picture, "--out", tmp_path, "--parts", "--pred-iou-thresh", "0.2", "--nms", "mask")
    assert first.returncode == 0, first.stderr
    assert "with your settings" in first.stdout and "predicted IoU > 0.2" in first.stdout
    _, annotations = sa1b.read_image(tmp_path / "astronaut.json")
    areas = {annotation["id"]: annotation["area"] for annotation in annotations}
    whole = {annotation["id"]: annotation["parent_id"] for annotation in annotations}
    assert any(parent is not None for parent in whole.values())
    assert all(parent is None or areas[parent] > areas[part] for part, parent in whole.items())
    depths = {annotation["id"]: annotation["depth"] for annotation in annotations}
    assert all(depths[part] == (0 if parent is None else depths[parent] + 1) for part, parent in whole.items())
    before = (tmp_path / "astronaut.json").stat().st_mtime_ns
    (tmp_path / "sa_7.json").write_text((tmp_path / "astronaut.json").read_text()[:500])
    again = run(picture, pictures / "sa_7.jpg", "--out", tmp_path, "--skip-done")
    assert again.returncode == 0 and "done already: 1" in again.stdout
    assert (tmp_path / "astronaut.json").stat().st_mtime_ns == before
    assert sa1b.read_image(tmp_path / "sa_7.json")[0].file_name == "sa_7.jpg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.png"], "there is no nothing.png"),
        ([".", "--preset", "best"], "no preset best; there are default, reference, sa1b, starter"),
        ([".", "--pred-iou-thresh", "nan"], "pred_iou_thresh must lie between"),
        ([".", "--crop-n-layers", "9"], "crop_n_layers must lie between 0 and 5"),
        ([".", "--nms", "soft"], "nms is box or mask"),
        ([".", "."], "two pictures are called dot.png"),
        (["empty"], "no pictures"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (8, 8)).save("dot.png")
    told = CliRunner().invoke(command_line(), ["segment", "everything", *arguments, "--out", "out", *FEW])
    assert isinstance(told.exception, Invalid) and said in str(told.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.slow
def test_ctrl_c_leaves_only_whole_files(pictures: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "many", tmp_path / "out"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:03}.png").symlink_to(pictures / "coins.png")
    command = [sys.executable, "-m", "backend.main", "segment", "everything", folder, "--out", out, *FEW]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(out.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and "stopped: " in errors and "Traceback" not in errors
    files = list(out.iterdir())
    assert 1 <= len(files) < 200
    for file in files:
        assert file.suffix == ".json" and sa1b.read_image(file)[0].file_name == f"{file.stem}.png"


def test_empty_masks_that_the_reference_keeps_are_written_as_json(tmp_path: Path) -> None:
    from backend.everything import listed, segment
    from segmenter.golden.models import rebuilt
    from tests.segmenter import golden

    Image.fromarray(golden.synthetic()).save(tmp_path / "synth.png")
    config = replace(AUTOMASK_PRESETS["reference"], points_per_side=4, pred_iou_thresh=0.0, stability_score_thresh=0.0)
    (work,) = listed([tmp_path / "synth.png"], tmp_path)
    count = segment(rebuilt(golden.SMALL), work, config, True, True, lambda done, total: None, lambda: False)
    _, annotations = sa1b.read_image(work.target)
    empty = [one for one in annotations if not one["area"]]
    assert count == len(annotations) and 0 < len(empty) < count
    assert all(one["stability_score"] == 0.0 and one["bbox"] == [0, 0, 0, 0] for one in empty)


def test_colours_of_the_overlay_stay_with_their_masks() -> None:
    from segmenter.automask import AutomaticMask
    from segmenter.masks import encode
    from segmenter.overlay import overlay

    rgb = np.full((40, 50, 3), 128, np.uint8)
    bitmaps = [np.zeros((40, 50), np.bool_) for _ in range(2)]
    bitmaps[0][5:35, 5:45] = True
    bitmaps[1][10:20, 10:20] = True
    found = [
        AutomaticMask((40, 50), encode(b)["counts"], int(b.sum()), corners, 0.5, 0.9, (1, 1), (0, 0, 50, 40))
        for b, corners in zip(bitmaps, ((5, 5, 44, 34), (10, 10, 19, 19)), strict=True)
    ]
    shown = overlay(rgb, found)
    assert (shown == overlay(rgb, reversed(found))).all()
    assert (shown[0, 0] == 128).all() and (rgb == 128).all()
    assert (shown[7, 7] != shown[15, 15]).any() and (shown[15, 15] != 128).any()
    assert (overlay(rgb, found[:1])[7, 7] == shown[7, 7]).all()


def test_the_page_explains_every_option_and_preset() -> None:
    page = (Path(__file__).parents[1] / "docs" / "automatic-masks.md").read_text(encoding="utf-8")
    options = [f"--{name.replace('_', '-')}" for name in inspect.signature(segment_everything).parameters]
    named = {option for option in options if f"`{option}`" in page}
    assert set(options) - named == {"--images", "--out", "--preset"}
    assert all(f"| `{preset}` |" in page for preset in AUTOMASK_PRESETS)
