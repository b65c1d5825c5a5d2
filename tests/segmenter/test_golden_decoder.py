"""The golden decoder of the page (tests/golden/decoder) says what torch says; vitest holds the page to it too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from backend import embedding_file
from segmenter import masks
from segmenter.build import build
from segmenter.checkpoint import load_weights, save_weights
from segmenter.export import METADATA_KEY, session
from segmenter.golden import weights
from segmenter.manifest import file_digest
from segmenter.predict import Embedding, decode
from segmenter.prompts import Box, Point, Prompt, prompt_rows
from segmenter.transforms import to_frame
from tests.golden.make_decoder import CONFIG, FOLDER, page_prompts

GOLDEN = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))
SIZE = (GOLDEN["size"][0], GOLDEN["size"][1])


def prompt_of(answer: dict[str, list[dict[str, float]]]) -> Prompt:
    points = [Point(p["x"], p["y"], int(p["label"])) for p in answer["prompts"] if p["kind"] == "point"]
    boxes = [Box(p["x0"], p["y0"], p["x1"], p["y1"]) for p in answer["prompts"] if p["kind"] == "box"]
    return Prompt(tuple(points), boxes[0] if boxes else None)


def limit(answer: dict[str, object]) -> float:
    """A mask that was computed here and refined brings its own rounding along."""
    return 1e-3 if answer["refined"] is None else 5e-3


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    found, facts = embedding_file.read((FOLDER / "embedding.safetensors").read_bytes())
    assert facts.encoder_digest == GOLDEN["release"]["encoder_digest"] and facts.size == SIZE
    return {name: level.astype(np.float32)[None] for name, level in found.items()}


def test_torch_gives_the_answers(tensors: dict[str, np.ndarray], tmp_path: Path) -> None:
    model = build(CONFIG).eval()
    ruled = weights.state({key: tuple(value.shape) for key, value in model.state_dict().items()})
    save_weights(tmp_path / "halved.safetensors", ruled, CONFIG)
    model.load_state_dict(load_weights(tmp_path / "halved.safetensors")[0])
    embedding = Embedding({name: torch.from_numpy(level) for name, level in tensors.items()}, SIZE, CONFIG.frame)
    shown = None
    for answer in GOLDEN["answers"]:
        previous = None if answer["refined"] is None or shown is None else shown.logits[answer["refined"]][None]
        shown = decode(model, embedding, [prompt_of(answer)], previous)[0]
        np.testing.assert_allclose(shown.logits.ravel(), answer["logits"], atol=limit(answer))
        np.testing.assert_allclose(shown.predicted_iou, answer["predicted_iou"], atol=1e-4)
        told = masks.decode({"size": list(SIZE), "counts": answer["counts"]}, SIZE)
        assert shown.chosen == answer["chosen"] and (shown.mask(answer["encoded"]) != told).sum() <= 3
    assert any(answer["area"] > 100 for answer in GOLDEN["answers"])
    assert page_prompts(2, True) == GOLDEN["answers"][1]["prompts"] + GOLDEN["answers"][3]["prompts"]


def test_onnxruntime_gives_the_answers(tensors: dict[str, np.ndarray]) -> None:
    run, before = session(FOLDER / "decoder.onnx"), np.zeros((1, 4, 16, 16), np.float32)
    for answer in GOLDEN["answers"]:
        points, labels = prompt_rows(prompt_of(answer))
        refined = answer["refined"]
        mask = np.zeros((1, 1, 16, 16), np.float32) if refined is None else before[:, refined, None]
        prompt = {"point_coords": to_frame(points, SIZE, CONFIG.frame)[None].astype(np.float32)}
        prompt |= {"point_labels": labels[None], "mask_input": mask}
        prompt |= {"has_mask_input": np.array([refined is not None], np.float32)}
        before, scores = run.run(["low_res_masks", "iou_predictions"], tensors | prompt)
        np.testing.assert_allclose(before.ravel(), answer["logits"], atol=limit(answer))
        np.testing.assert_allclose(scores.ravel(), answer["predicted_iou"], atol=1e-4)


def test_the_graph_carries_its_release_with_frame_and_logits() -> None:
    told = {entry.key: entry.value for entry in onnx.load(FOLDER / "decoder.onnx").metadata_props}
    release = json.loads(told[METADATA_KEY])
    assert {key: release[key] for key in ("frame", "logits", "digest", "encoder_digest", "embedding")} == {
        key: value for key, value in GOLDEN["release"].items() if key != "decoder_digest"
    }
    assert file_digest(FOLDER / "decoder.onnx") == GOLDEN["release"]["decoder_digest"]


def test_what_no_prompt_changes_is_folded_into_constants() -> None:
    """Positions of the grid and type vectors are numbers in the file; only half weights are widened at the start."""
    graph = onnx.load(FOLDER / "decoder.onnx").graph
    alive = {value.name for value in graph.input}
    constant = []
    for node in graph.node:
        if alive & set(node.input):
            alive |= set(node.output)
        else:
            constant.append(node.op_type)
    assert constant and set(constant) == {"Cast"}
    assert sum(node.op_type == "Sin" for node in graph.node) == 1
