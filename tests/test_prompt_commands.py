"""`segment click` with masks, texts and files of prompts, and `models export`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from backend.errors import Invalid
from backend.main import command_line
from segmenter import masks
from segmenter.build import build
from segmenter.checkpoint import load_model, save_weights
from segmenter.export import session
from segmenter.manifest import STARTER, find_weights, verify
from segmenter.predict import answer, decode, embed
from segmenter.prompts import Box, Point, Prompt, mask_alone, mask_prompt
from tests.segmenter.test_text import TOLD, write_clip
from tests.test_model_commands import maskmill


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of 300 x 200 pixels, and a mask of the cup in it."""
    from skimage.data import coffee

    folder = tmp_path_factory.mktemp("photograph")
    Image.fromarray(coffee()).resize((300, 200)).save(folder / "coffee.png")
    cup = np.zeros((200, 300), np.uint8)
    cv2.ellipse(cup, (165, 90), (70, 60), 0, 0, 360, 255, -1)
    Image.fromarray(cup).save(folder / "cup.png")
    Image.fromarray(np.zeros((200, 300), np.uint8)).save(folder / "nothing.png")
    return folder


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def bitmap(found: dict[str, Any]) -> np.ndarray:
    return masks.decode(found["segmentation"], (200, 300))


def test_a_file_of_prompts_asks_for_many_objects(folder: Path, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = [
        {"mask": "cup.png"},
        {"points": [[165, 90], [10, 10, 0]]},
        {"points": [[100, 30, 2], [235, 150, 3]]},
        {"box": [100, 30, 235, 150], "mask": "cup.png"},
    ]
    (folder / "prompts.json").write_text(json.dumps(asked))
    out = tmp_path / "out.json"
    done = maskmill("segment", "click", folder / "coffee.png", "--prompts", folder / "prompts.json", "--out", out)
    assert done.returncode == 0, done.stderr
    written = json.loads(out.read_text())
    assert written["size"] == [200, 300] and len(written["objects"]) == len(asked)
    network = load_model(find_weights("starter"))
    embedding = embed(network, np.array(Image.open(folder / "coffee.png").convert("RGB")))
    cup = np.array(Image.open(folder / "cup.png")) > 0
    shown, box = mask_prompt(cup, network.config.logits), Box(100, 30, 235, 150)
    expected = [
        answer(network, embedding, mask_alone(cup), shown),
        answer(network, embedding, Prompt((Point(165, 90), Point(10, 10, 0)))),
        answer(network, embedding, Prompt((), box)),
        answer(network, embedding, Prompt((), box), shown),
    ]
    for told, candidates in zip(written["objects"], expected, strict=True):
        assert (bitmap(told["single"]) == candidates.mask(0)).all()
        for mask, index in zip(told["masks"], candidates.ranked, strict=True):
            assert (bitmap(mask) == candidates.mask(index)).all()
    assert iou(bitmap(written["objects"][3]["single"]), cup) > 0.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mask", "nothing.png"], "the mask is empty"),
        (["--mask", "small.png"], "the mask is 3 x 4 pixels, the picture 300 x 200"),
        (["--mask", "cup.png", "--prompts", "x.json"], "--prompts replaces"),
        (["--text", "a cup"], "--text-model DIR"),
        (["--text", "a cup", "--text-model", "."], "holds no CLIP model"),
        (["--point", "nan,5"], "not made of finite numbers"),
    ],
)
def test_what_cannot_be_asked_is_explained(folder: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    Image.fromarray(np.ones((4, 3), np.uint8)).save(folder / "small.png")
    placed = [str(folder / part) if part.endswith((".png", ".json")) else part for part in arguments]
    command = ["segment", "click", str(folder / "coffee.png"), *placed, "--out", str(tmp_path / "out.json")]
    failure = CliRunner().invoke(command_line(), command).exception
    assert isinstance(failure, Invalid) and said in failure.detail
    assert not (tmp_path / "out.json").exists()


def test_a_text_is_a_prompt_where_the_model_has_a_projection(folder: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip")
    torch.manual_seed(0)
    save_weights(tmp_path / "told.safetensors", build(TOLD).state_dict(), TOLD)
    words = ["--text", "a cup", "--text-model", str(clip)]
    command = ["segment", "click", folder / "coffee.png", *words, "--out", tmp_path / "out.json"]
    done = maskmill(*command, "--model", tmp_path / "told.safetensors")
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "out.json").read_text())["masks"]) == 3
    refused = maskmill(*command, "--model", "starter")
    assert refused.returncode == 1 and "the starter has none" in refused.stderr


@pytest.mark.slow
def test_the_starter_runs_in_x_anylabeling(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = maskmill("models", "export", "starter", "--format", "samexporter", "--out", out)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in out.iterdir()} == {"encoder.onnx", "decoder.onnx", "x-anylabeling.yaml"}
    picture = np.array(Image.open(folder / "coffee.png").convert("RGB"))
    network = load_model(STARTER / "model.safetensors")
    embedding = embed(network, picture)
    canvas = X_AnyLabeling(out, picture)
    for prompt in (Prompt((Point(165, 90),)), Prompt((Point(165, 90), Point(10, 10, 0)))):
        ours = decode(network, embedding, [prompt])[0]
        assert (
            iou(
                canvas.mask([(p.x, p.y) for p in prompt.points], [p.label for p in prompt.points]),
                ours.mask(ours.chosen),
            )
            > 0.85
        )


class X_AnyLabeling:
    """How that program uses a pair of files: a canvas of 1024 x 682 padded with black, and always a padding point."""

    def __init__(self, folder: Path, rgb: np.ndarray) -> None:
        self.decoder: onnxruntime.InferenceSession = session(folder / "decoder.onnx")
        encoder = session(folder / "encoder.onnx")
        self.size, self.scale = rgb.shape[:2], min(1024 / rgb.shape[1], 682 / rgb.shape[0])
        self.matrix = np.array([[self.scale, 0, 0], [0, self.scale, 0]])
        canvas = cv2.warpAffine(rgb, self.matrix, (1024, 682), flags=cv2.INTER_LINEAR)
        name = encoder.get_inputs()[0].name
        self.embedding = encoder.run(None, {name: canvas.astype(np.float32)})[0]

    def mask(self, points: list[tuple[float, float]], labels: list[int]) -> np.ndarray:
        feeds = {
            "image_embeddings": self.embedding,
            "point_coords": np.array([[*(np.array(p) * self.scale for p in points), [0, 0]]], np.float32),
            "point_labels": np.array([[*labels, -1]], np.float32),
            "mask_input": np.zeros((1, 1, 256, 256), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array([682, 1024], np.float32),
        }
        drawn, _, _ = self.decoder.run(None, feeds)
        height, width = self.size
        back = np.array([[1 / self.scale, 0, 0], [0, 1 / self.scale, 0]])
        return cv2.warpAffine(drawn[0][0], back, (width, height), flags=cv2.INTER_LINEAR) > 0


@pytest.mark.slow
def test_any_weights_become_a_release_for_the_browser(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_weights(tmp_path / "mine.safetensors", build(TOLD).state_dict(), TOLD)
    command = ["models", "export", tmp_path / "mine.safetensors", "--format", "browser", "--version", "5"]
    done = maskmill(*command, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    manifest = verify(tmp_path / "out")
    assert (manifest["name"], manifest["version"], manifest["frame"], manifest["logits"]) == ("mine", "5", 64, 16)
    broken = {name: torch.full_like(value, torch.nan) for name, value in build(TOLD).state_dict().items()}
    save_weights(tmp_path / "mine.safetensors", broken, TOLD)
    done = maskmill(*command, "--out", tmp_path / "none")
    assert done.returncode == 1 and "differs from torch" in done.stderr and "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.safetensors", "out"]
