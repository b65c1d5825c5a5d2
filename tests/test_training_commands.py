"""What `maskmill train` refuses, in one line, before it reads a picture; and that it goes on and stays over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from backend.errors import Invalid
from backend.main import command_line
from segmenter.checkpoint import save_weights
from segmenter.modeling.starter import Starter
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
