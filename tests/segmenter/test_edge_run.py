"""Edge evaluation of files and folders: what is read, what is kept between runs, what is written."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from backend.errors import Invalid
from backend.main import command_line
from segmenter.checkpoint import save_weights
from segmenter.evaluate.edge_files import read_boundaries, read_edge_maps
from segmenter.evaluate.edge_methods import DETECTORS
from segmenter.evaluate.edge_run import evaluate_maps
from segmenter.evaluate.edge_sets import PUBLISHED, evaluate_edges
from segmenter.modeling.starter import Starter
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

SIZE = (30, 44)


def outlines(seed: int) -> np.ndarray:
    """A thin rectangle somewhere."""
    drawn = np.zeros(SIZE, np.uint8)
    x, y = np.random.default_rng(seed).integers(2, 12, 2).tolist()
    cv2.rectangle(drawn, (x, y), (x + 25, y + 14), 1)
    return drawn


def pack(bitmaps: list[np.ndarray]) -> np.ndarray:
    return np.stack([np.packbits(bitmap.ravel()) for bitmap in bitmaps])


def write_files(folder: Path, pictures: int = 3) -> tuple[Path, Path]:
    """Maps of strength 0.5 on the truth of each first annotator of two, and 0.25 on a line that nobody drew."""
    names, shapes = [f"p{picture}" for picture in range(pictures)], [SIZE] * pictures
    truth = [outlines(seed) for picture in range(pictures) for seed in (picture, picture + 50)]
    maps = [np.where(first > 0, 0.5, 0) for first in truth[::2]]
    for strength in maps:
        strength[-2, 3:40] = 0.25
    np.savez(
        folder / "maps.npz",
        names=names,
        shapes=shapes,
        maps=np.stack([np.rint(strength.ravel() * 65535).astype(np.uint16) for strength in maps]),
    )
    np.savez(folder / "truth.npz", names=names, shapes=shapes, n_annotators=[2] * pictures, bits=pack(truth))
    return folder / "maps.npz", folder / "truth.npz"


def run(folder: Path, files: tuple[Path, Path], resume: bool = False) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    heard: list[tuple[int, int]] = []
    metrics = evaluate_maps(*files, folder / "out", None, 1, resume, lambda *done: heard.append(done))
    return metrics, heard


def test_edge_maps_of_a_file_are_judged(tmp_path: Path) -> None:
    metrics, heard = run(tmp_path, write_files(tmp_path))
    assert heard == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
    assert metrics["images"] == 3 and metrics["curve"]["columns"][0] == "level"
    assert [row["image"] for row in metrics["by_image"]] == ["p0", "p1", "p2"]
    rows = {row[0]: row for row in metrics["curve"]["rows"]}
    # Above a quarter every edge is right, and what one annotator of two drew is found but for thinned corners.
    assert rows[0.3][2] == 1 and rows[0.2][2] < 1 and rows[0.5][1] > 0.45 and rows[0.6][1:] == [0, 0, 0]
    assert 0.25 <= metrics["ods_level"] <= 0.5 and metrics["r50"] == pytest.approx(rows[0.3][1], abs=0.1)


def test_a_stopped_run_goes_on_with_what_it_has(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    whole, _ = run(tmp_path, files)
    kept = tmp_path / "out" / "counts.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text(lines[0] + lines[1] + lines[2][:20])
    resumed, heard = run(tmp_path, files, resume=True)
    assert heard == [(2, 3), (3, 3)] and resumed == whole
    assert kept.read_text().splitlines(keepends=True) == lines
    assert run(tmp_path, files)[1][0] == (0, 3), "without --resume everything is counted"


def test_counts_of_other_boundaries_are_not_taken(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    run(tmp_path, files)
    with np.load(files[1]) as archive:
        arrays = dict(archive)
    arrays["bits"][0] = pack([outlines(9)])[0]
    np.savez(files[1], **arrays)
    assert run(tmp_path, files, resume=True)[1][0] == (2, 3)


def changed(file: Path, **arrays: Any) -> Path:
    with np.load(file) as archive:
        np.savez(file, **{name: value for name, value in (dict(archive) | arrays).items() if value is not None})
    return file


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"maps": None}, "lacks"),
        ({"maps": np.zeros((3, SIZE[0] * SIZE[1]))}, "rows of uint16"),
        ({"maps": np.zeros((3, 7), np.uint16)}, "fewer than height x width"),
        ({"names": np.array(["a", "a", "b"])}, "named twice"),
        ({"shapes": np.array([1, 2])}, "pairs of height and width"),
        ({"names": np.array([{}, 1, 2], object)}, "is not a NumPy archive"),
    ],
)
def test_files_that_are_no_edge_maps_are_refused(tmp_path: Path, arrays: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_edge_maps(changed(write_files(tmp_path)[0], **arrays))


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"n_annotators": np.array([2, 0, 4])}, "needs an annotator"),
        ({"bits": np.zeros((5, 200), np.uint8)}, "6 rows of uint8"),
        ({"bits": np.zeros((6, 9), np.uint8)}, "fewer than height x width"),
    ],
)
def test_files_that_are_no_boundaries_are_refused(tmp_path: Path, arrays: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_boundaries(changed(write_files(tmp_path)[1], **arrays))


def test_maps_and_boundaries_must_fit(tmp_path: Path) -> None:
    maps, truth = write_files(tmp_path)
    with pytest.raises(ValueError, match="no human boundaries for p0"):
        run(tmp_path, (maps, changed(truth, names=np.array(["x", "p1", "p2"]))))
    changed(truth, names=np.array(["p0", "p1", "p2"]), shapes=np.array([(44, 30), SIZE, SIZE]))
    with pytest.raises(ValueError, match=r"p0: the map has \(30, 44\) pixels, the truth \(44, 30\)"):
        run(tmp_path, (maps, truth))
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match="not a NumPy archive"):
        read_edge_maps(tmp_path / "text.npz")


def command(*words: str | Path) -> str:
    done = CliRunner().invoke(command_line(), ["evaluate", "edges", *map(str, words)])
    if done.exception is not None:
        raise done.exception
    return done.output


def write_set(folder: Path, images: int = 2) -> Path:
    """A COCO folder whose boundaries are the outlines of its masks."""
    write_coco(folder, images)
    drawn = []
    for image in range(1, images + 1):
        grey = cv2.imread(str(folder / "images" / f"{image:03}.png"), cv2.IMREAD_GRAYSCALE)
        shapes = (grey > 120).astype(np.uint8)
        drawn.append(cv2.dilate(shapes, np.ones((3, 3), np.uint8)) - shapes)
    names, shapes = [f"{image:03}" for image in range(1, images + 1)], [drawn[0].shape] * images
    np.savez(folder / "boundaries.npz", names=names, shapes=shapes, n_annotators=[1] * images, bits=pack(drawn))
    return folder


def test_a_model_stands_beside_the_classical_methods(tmp_path: Path) -> None:
    torch.manual_seed(2)
    save_weights(tmp_path / "tiny.safetensors", Starter(TINY).state_dict(), TINY)
    write_set(tmp_path / "data" / "marked", images=1)
    write_coco(tmp_path / "data" / "plain", name="plain")
    words = ("--model", tmp_path / "tiny.safetensors", "--out", tmp_path / "out", "--jobs", 1)
    told = command("--data", tmp_path / "data", *words)
    assert "shapes/dev" in told and f"left out: {tmp_path / 'data' / 'plain'}" in told.replace("\n", "")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    methods = metrics["datasets"]["shapes/dev"]["methods"]
    assert list(methods) == ["model", "sobel", "canny", "felzenszwalb"]
    assert methods["felzenszwalb"]["ods"] > 0.3 and methods["felzenszwalb"]["images"] == 1
    assert len(metrics["published"]["rows"]) == len(PUBLISHED) and "published" in metrics["published"]["source"]
    # One method alone gives the same figures.
    command("--data", tmp_path / "data", *words, "--method", "canny", "--limit", 2, "--resume")
    alone = json.loads((tmp_path / "out" / "metrics.json").read_text())["datasets"]["shapes/dev"]["methods"]
    assert alone == {"canny": methods["canny"]}


def test_counts_of_other_settings_are_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, heard = write_set(tmp_path / "set"), []

    def again() -> tuple[int, int]:
        heard.clear()
        evaluate_edges(
            [folder], "starter", tmp_path / "out", None, None, ["canny"], 1, True, lambda *done: heard.append(done)
        )
        return heard[0]

    assert again() == (0, 2)
    assert again() == (2, 2)
    monkeypatch.setitem(DETECTORS, "canny", replace(DETECTORS["canny"], settings=(1.0,)))
    assert again() == (0, 2)


def test_the_command_judges_a_file(tmp_path: Path) -> None:
    maps, truth = write_files(tmp_path)
    told = command("--maps", maps, "--truth", truth, "--out", tmp_path / "out", "--jobs", 1)
    assert "ODS" in told and "(3 pictures)" in told
    assert {"ods", "ois", "ap", "r50"} <= json.loads((tmp_path / "out" / "metrics.json").read_text()).keys()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "either --maps with --truth, or --data"),
        (["--maps", "a.npz"], "either --maps with --truth, or --data"),
        (["--maps", "a.npz", "--truth", "b.npz", "--data", "."], "either --maps with --truth, or --data"),
        (["--maps", "a.npz", "--truth", "b.npz"], "a.npz"),
        (["--data", "data", "--method", "prewitt"], "methods are model, sobel"),
        (["--data", "data"], "no picture with human boundary maps"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_line(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_coco(tmp_path / "data")
    with pytest.raises(Invalid, match=told):
        command(*words, "--out", "out")


def test_pictures_without_boundaries_are_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    changed(folder / "boundaries.npz", names=np.array(["001", "009"]))
    with pytest.raises(Invalid, match=r"no boundaries of 002\.png"):
        command("--data", folder, "--out", tmp_path / "out", "--method", "sobel")
    shutil.rmtree(folder / "images")
    with pytest.raises(Invalid, match="no COCO folder"):
        command("--data", folder, "--out", tmp_path / "out")
