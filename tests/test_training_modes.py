"""`maskmill train` in the modes distill, mae and text, as it is typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from backend.errors import Invalid
from backend.main import command_line
from segmenter.build import build
from segmenter.checkpoint import load_model, save_weights
from segmenter.config import ModelConfig
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_masked_pixels import VIT
from tests.segmenter.test_starter import TINY
from tests.segmenter.test_text import DIM, write_clip

TWO_STEPS = ("--steps", "2", "--images", "2", "--threads", "1", "--device", "cpu")


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command_line(), ["train", *map(str, arguments)], catch_exceptions=False)


def weights(file: Path, config: ModelConfig) -> Path:
    torch.manual_seed(3)
    save_weights(file, build(config).state_dict(), config)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "x")


def test_a_named_encoder_learns_a_teachers_embeddings(folder: Path, tmp_path: Path) -> None:
    teacher, out = weights(tmp_path / "teacher.safetensors", VIT), tmp_path / "out"
    done = train(
        "--mode", "distill", "--teacher", teacher, "--model", "vit_ti", "--data", folder, "--out", out, *TWO_STEPS
    )
    assert done.exit_code == 0, done.output
    assert "4 pictures to learn from" in done.output
    student = load_model(out / "weights.safetensors")
    assert (student.config.frame, student.config.sam.embed_dim, student.config.sam.prompt_dim) == (64, 192, 16)
    assert len(list((out / "embeddings").rglob("*.safetensors"))) == 4, "each picture's, once"
    # The same command with more steps goes on; with the student's weights it begins from there.
    more = train(
        *("--mode", "distill", "--teacher", teacher, "--init", out / "weights.safetensors"),
        *("--data", folder, "--out", tmp_path / "more", "--embeddings", "none", *TWO_STEPS),
    )
    assert more.exit_code == 0 and not (tmp_path / "more" / "embeddings").exists()


def test_an_encoder_is_pretrained_and_trained_further_with_masks(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "mae"
    done = train("--mode", "mae", "--model", "vit_ti", "--frame", "64", "--data", folder, "--out", out, *TWO_STEPS)
    assert done.exit_code == 0, done.output
    recipe = json.loads((out / "train.json").read_text())["config"]
    assert (recipe["mode"], recipe["learning_rate"], recipe["steps"]) == ("mae", 5e-4, 2), "the mode's own preset"
    learned = load_model(out / "weights.safetensors")
    assert learned.config.frame == 64 and learned.config.sam.embed_dim == 192
    then = train(
        *("--init", out / "weights.safetensors", "--frame", "128", "--preset", "starter"),
        *("--data", folder, "--out", tmp_path / "full", *TWO_STEPS),
    )
    assert then.exit_code == 0, then.output
    assert load_model(tmp_path / "full" / "weights.safetensors").config.frame == 128


def test_a_model_learns_to_be_asked_by_text(folder: Path, tmp_path: Path) -> None:
    begin, clip, out = weights(tmp_path / "vit.safetensors", VIT), write_clip(tmp_path / "clip"), tmp_path / "out"
    done = train("--mode", "text", "--clip", clip, "--init", begin, "--data", folder, "--out", out, *TWO_STEPS)
    assert done.exit_code == 0, done.output
    told, before = load_model(out / "weights.safetensors"), load_model(begin).state_dict()
    assert told.config == replace(VIT, sam=replace(VIT.sam, text_dim=DIM))
    new = {
        name for name, value in told.state_dict().items() if name not in before or not torch.equal(before[name], value)
    }
    assert new == {"prompt_encoder.text_projection.weight", "prompt_encoder.text_projection.bias"}
    assert 1 <= len(list((out / "embeddings").rglob("*.safetensors"))) <= 4
    everything = ("--learn", "all", "--data", folder, "--out", tmp_path / "all", *TWO_STEPS)
    assert train("--mode", "text", "--clip", clip, "--init", begin, *everything).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mode", "distill"], "mode distill needs --teacher"),
        (["--mode", "distill", "--teacher", "{starter}", "--model", "vit_t"], "choose a student of the same family"),
        (["--mode", "distill", "--teacher", "nobody"], "nobody"),
        (["--teacher", "{starter}"], "--teacher goes with --mode distill"),
        (["--mode", "mae"], "masked autoencoding is for plain ViTs"),
        (["--mode", "mae", "--model", "vit_x"], "no model vit_x; there are starter"),
        (["--mode", "mae", "--model", "vit_ti", "--frame", "100"], "whole patches"),
        (["--mode", "text", "--clip", "{clip}"], "mode text needs --init"),
        (["--mode", "text", "--init", "{starter}"], "mode text needs --clip"),
        (["--mode", "text", "--init", "{starter}", "--clip", "{clip}"], "only Segment Anything models take text"),
        (["--mode", "text", "--init", "{starter}", "--clip", "{folder}"], "holds no CLIP model"),
        (["--learn", "all"], "--learn goes with --mode text"),
        (
            ["--mode", "text", "--init", "{vit}", "--clip", "{clip}", "--learn", "much"],
            "nothing to learn is called much",
        ),
        (["--mode", "sleep"], "no mode sleep; there are full"),
        (["--mode", "mae", "--model", "vit_ti", "--frame", "64", "--embeddings", "some"], "no embeddings some"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(
    folder: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    files = {"folder": folder, "starter": weights(tmp_path / "starter.safetensors", TINY)}
    files |= {"vit": weights(tmp_path / "vit.safetensors", VIT), "clip": write_clip(tmp_path / "clip")}
    with pytest.raises(Invalid, match=said):
        train(*(word.format(**files) for word in arguments), "--data", folder, "--out", tmp_path / "out", *TWO_STEPS)
