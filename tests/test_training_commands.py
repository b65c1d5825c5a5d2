"""What `maskmill train` refuses, in one line, before it reads a picture; and that it goes on and stays over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from backend.errors import Invalid
from backend.main import command_line
from segmenter.checkpoint import load_any, save_weights
from segmenter.config import MODEL_CONFIGS, TrainConfig
from segmenter.modeling.starter import Starter
from segmenter.recipes import RECIPES, Stage
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command_line(), ["train", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "x")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--preset slow", "no preset slow; there are starter, continued, round, paper"),
        ("--mode half", "no mode half; there are full, decoder"),
        ("--precision float8", "no precision float8; there are float32, bfloat16, float16"),
        ("--mode decoder", "mode decoder needs --init"),
        ("--device tpu", "no device tpu; there are auto, cpu and cuda"),
        ("--model vit_x", "no model vit_x; there are starter"),
        ("--precision float16 --device cpu --steps 1", "float16 needs a GPU"),
    ],
)
def test_refused_before_any_work(folder: Path, tmp_path: Path, arguments: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        train("--data", folder, "--out", tmp_path / "out", *arguments.split())
    assert not (tmp_path / "out" / "checkpoint.pt").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no GPU that torch can use"):
        train("--data", folder, "--out", tmp_path, "--device", "cuda")


def test_images_without_masks_are_refused(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": {"shapes/dev": []}}))
    with pytest.raises(Invalid, match="the split leaves no image with a mask to train on"):
        train("--data", folder, "--out", tmp_path / "out", "--split", split)
    with pytest.raises(Invalid, match="no COCO folder"):
        train("--data", tmp_path, "--out", tmp_path / "out")


def test_the_decoder_learns_goes_on_and_stays_over(folder: Path, tmp_path: Path) -> None:
    init, out = tmp_path / "tiny.safetensors", tmp_path / "out"
    save_weights(init, Starter(TINY).state_dict(), TINY)
    command = ("--data", folder, "--out", out, "--mode", "decoder", "--init", init, "--images", "2", "--threads", "1")
    for steps in ("1", "3", "2"):
        done = train(*command, "--steps", steps)
        assert done.exit_code == 0 and f"weights: {out / 'weights.safetensors'}" in done.output.replace("\n", "")
    assert json.loads((out / "train.json").read_text())["steps"] == 3, "a run that is over is not taken back"
    assert len(list((out / "embeddings").rglob("*.safetensors"))) == 4


def test_a_recipe_runs_stage_after_stage_goes_on_and_is_calibrated(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    little = TrainConfig(steps=1, images_per_step=2, masks_per_image=1, first_frame=64, threads=1)
    stages = (Stage("first", little, 128), Stage("finer", replace(little, seed=3), 160))
    monkeypatch.setitem(RECIPES, "starter", stages)
    monkeypatch.setitem(MODEL_CONFIGS, "starter", TINY)
    textures = tmp_path / "textures"
    textures.mkdir()
    cv2.imwrite(str(textures / "noise.png"), np.random.default_rng(0).integers(0, 255, (130, 140, 3), np.uint8))
    cv2.imwrite(str(textures / "icon.png"), np.zeros((16, 16, 3), np.uint8))
    out = tmp_path / "out"
    command = ("--recipe", "starter", "--data", folder, "--textures", textures, "--out", out)
    done = train(*command)
    assert done.exit_code == 0 and "textures: 1 pictures more" in done.output and "stage 2 of 2" in done.output
    first, finer = out / "1-first" / "weights.safetensors", out / "2-finer" / "weights.safetensors"
    (begun, small), (went_on, large) = load_any(first), load_any(finer)
    (calibrated, config) = load_any(out / "weights.safetensors")
    assert (small.frame, large.frame, config.frame) == (128, 160, 160)
    assert not all(torch.equal(went_on[name], begun[name]) for name in begun), "the second stage learned"
    changed = {name for name in calibrated if not torch.equal(calibrated[name], went_on[name])}
    assert changed and all("iou" in name for name in changed), "only the head of predicted IoU is learned last"
    assert json.loads((out / "2-finer" / "train.json").read_text())["config"]["seed"] == 3
    written = first.stat().st_mtime_ns
    finer.unlink()
    assert train(*command).exit_code == 0
    assert first.stat().st_mtime_ns == written and finer.exists(), "what is over is not done again"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--recipe paper", "no recipe paper; there are starter"),
        ("--recipe starter --steps 3 --init starter", "the recipe says it itself: leave out --init, --steps"),
        ("--recipe starter --seed 1 --threads 2", "the recipe says it itself: leave out --seed, --threads"),
        ("--textures .", "holds no PNG or JPEG picture of at least 128 pixels"),
    ],
)
def test_recipes_and_textures_that_cannot_be(folder: Path, tmp_path: Path, arguments: str, said: str) -> None:
    bare = [str(tmp_path) if word == "." else word for word in arguments.split()]
    with pytest.raises(Invalid, match=said):
        train("--data", folder, "--out", tmp_path / "out", *bare)
