"""`maskmill snapshot`: from a COCO folder to checked shards, and what it says of bad input."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from backend.errors import Invalid
from backend.main import command_line
from segmenter.training.snapshot import open_snapshot
from tests.segmenter.test_data import write_coco


def maskmill(*words: object) -> str:
    return str(CliRunner().invoke(command_line(), [*map(str, words)], catch_exceptions=False).output)


def run(*words: object) -> str:
    return maskmill("snapshot", *words)


def test_freeze_pack_check_erase(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=9)
    (root / "images" / "003.png").write_bytes(b"no picture")
    said = run("freeze", "--data", root, "--out", tmp_path / "s", "--held-out", 0.4)
    snapshot = open_snapshot(tmp_path / "s")
    counts = snapshot.header["images"]
    assert sum(counts.values()) == 8 and 0 < counts["held_out"] < 8
    assert f"to train on: {counts['train']} images, {2 * counts['train']} masks" in said
    assert snapshot.digest in said and "left out" in said and "003.png" in said
    assert snapshot.digest in run("pack", tmp_path / "s", "--out", tmp_path / "packed", "--shard-mb", 1)
    assert "is whole: 8 images" in run("check", tmp_path / "packed")
    gone = next(snapshot.images("train"))[0].pixel_digest
    assert "1 erased" in run("erase", tmp_path / "packed", gone)
    assert "7 images, 1 erased" in run("check", tmp_path / "packed")
    # A later snapshot of the same images holds out the same ones, by the same share.
    run("freeze", "--data", root, "--out", tmp_path / "later", "--after", tmp_path / "s")
    assert open_snapshot(tmp_path / "later").digest == snapshot.digest


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=2)
    with pytest.raises(Invalid, match="is no snapshot"):
        run("check", tmp_path)
    with pytest.raises(Invalid, match="from 0 to below 1"):
        run("freeze", "--data", root, "--out", tmp_path / "s", "--held-out", 1)
    with pytest.raises(Invalid, match="is no snapshot"):
        run("freeze", "--data", root, "--out", tmp_path / "s", "--after", tmp_path)
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_training_reads_a_snapshot_in_both_forms(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=5)
    run("freeze", "--data", root, "--out", tmp_path / "s", "--held-out", 0)
    run("pack", tmp_path / "s", "--out", tmp_path / "packed")
    small = ("--steps", 1, "--images", 1, "--masks", 1, "--threads", 1)
    for form in ("s", "packed"):
        said = maskmill("train", "--snapshot", tmp_path / form, "--out", tmp_path / f"run-{form}", *small)
        assert ("shapes/dev: 5 images" in said) == (form == "s")
        assert (tmp_path / f"run-{form}" / "weights.safetensors").is_file()
        (slot,) = torch.load(tmp_path / f"run-{form}" / "checkpoint.pt", weights_only=True)["slots"]
        assert ("drawn" in slot["source"]) == (form == "packed"), "only shards have a place to go on from"


def test_training_says_what_it_cannot_read(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=2)
    run("freeze", "--data", root, "--out", tmp_path / "s", "--held-out", 0)
    out = ("--out", tmp_path / "run")
    with pytest.raises(Invalid, match="either --data or a --snapshot"):
        maskmill("train", *out)
    with pytest.raises(Invalid, match="either --data or a --snapshot"):
        maskmill("train", *out, "--data", root, "--snapshot", tmp_path / "s")
    with pytest.raises(Invalid, match="split already"):
        maskmill("train", *out, "--snapshot", tmp_path / "s", "--split", tmp_path / "splits.json")
    with pytest.raises(Invalid, match="is no snapshot"):
        maskmill("train", *out, "--snapshot", tmp_path)
    (root / "images" / "001.png").write_bytes(b"no picture")
    with pytest.raises(Invalid, match="not readable"):
        maskmill("train", *out, "--snapshot", tmp_path / "s", "--threads", 1)
