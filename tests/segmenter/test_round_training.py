"""Training of a round: what is drawn how often, what is taken over, going on after a kill; and the held-out masks."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from segmenter.build import build
from segmenter.checkpoint import load_weights, save_weights
from segmenter.config import TRAIN_PRESETS
from segmenter.evaluate.held_out import Sample, held_out_answers, held_out_tasks
from segmenter.predict import embed
from segmenter.training.embedded import Embeddings
from segmenter.training.entries import SnapshotImage
from segmenter.training.freezing import find_images, freeze_snapshot
from segmenter.training.rounds import RoundPlan, material_of, plan_of, train_round
from segmenter.training.scenes import Sampler
from segmenter.training.snapshot import Snapshot, open_snapshot
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

QUICK = replace(TRAIN_PRESETS["round"], steps=4, images_per_step=2, masks_per_image=2, threads=1)


def frozen(folder: Path, automatic: int = 0, images: int = 8) -> Snapshot:
    """A snapshot whose last ``automatic`` images have masks of the model."""
    found = list(find_images([write_coco(folder / "data", images=images)], None))
    told = [(_from(image, number >= images - automatic), file) for number, (image, file) in enumerate(found)]
    return freeze_snapshot(told, folder / "snapshot", 0.3)


def _from(image: SnapshotImage, automatic: bool) -> SnapshotImage:
    source = "automatic" if automatic else "click"
    return replace(image, masks=tuple(replace(mask, source=source) for mask in image.masks))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = build(TINY)
    save_weights(tmp_path / "base.safetensors", model.state_dict(), TINY)
    return tmp_path / "base.safetensors"


def test_a_plan_survives_the_way_to_another_process(tmp_path: Path) -> None:
    plan = RoundPlan(tmp_path / "s", tmp_path / "w", tmp_path / "o", QUICK, 3.0, tmp_path / "e", 1.5)
    assert plan_of(plan.as_json()) == plan
    assert plan_of(replace(plan, embeddings=None).as_json()).embeddings is None


def test_masks_of_people_are_drawn_ten_times_as_often(tmp_path: Path) -> None:
    snapshot = frozen(tmp_path, automatic=5, images=10)
    material = material_of(snapshot, 96)
    assert set(material.scenes) == {"human", "automatic"}
    weights = material.weights(10.0)
    assert weights["human"] / material.masks["human"] == 10 * weights["automatic"] / material.masks["automatic"]
    rng = random.Random(0)
    sampler = Sampler(material.scenes, QUICK, rng, weights)
    human = {id(scene) for scene in material.scenes["human"]}
    drawn = Counter(id(sampler._drawn_scene()) in human for _ in range(4000))
    expected = weights["human"] / sum(weights.values())
    assert abs(drawn[True] / 4000 - expected) < 0.03


def test_masks_of_both_kinds_on_one_picture_are_two_scenes(tmp_path: Path) -> None:
    ((image, file),) = find_images([write_coco(tmp_path / "data", images=1)], None)
    masks = (image.masks[0], replace(image.masks[1], source="detector"))
    snapshot = freeze_snapshot([(replace(image, masks=masks), file)], tmp_path / "snapshot", 0.0)
    material = material_of(snapshot, 96)
    assert material.masks == {"human": 1, "automatic": 1}
    assert [digest for digest, _ in material.pictures()] == [image.pixel_digest]
    empty = freeze_snapshot([(replace(image, masks=()), file)], tmp_path / "empty", 0.0)
    with pytest.raises(ValueError, match="no image with a mask"):
        material_of(empty, 96)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, weights: Path) -> None:
    snapshot = frozen(tmp_path)
    recipe = replace(QUICK, steps=6)
    whole = train_round(RoundPlan(snapshot.folder, weights, tmp_path / "whole", recipe))
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 8  # five pictures are embedded, then three steps made

    plan = RoundPlan(snapshot.folder, weights, tmp_path / "killed", recipe, checkpoint_seconds=0.0)
    with pytest.raises(InterruptedError):
        train_round(plan, stop=stop)
    assert not (tmp_path / "killed" / "train.json").exists()
    resumed = train_round(plan)
    first, second = load_weights(whole)[0], load_weights(resumed)[0]
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    base = load_weights(weights)[0]
    changed = {name.split(".")[0] for name, value in first.items() if not torch.equal(value, base[name])}
    assert "mask_decoder" in changed and "image_encoder" not in changed
    told = json.loads((tmp_path / "killed" / "material.json").read_text())
    train = {image.pixel_digest for image, _ in snapshot.images("train")}
    assert told["snapshot_digest"] == snapshot.digest and set(told["pixel_digests"]) == train


def test_kept_embeddings_are_taken_over(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build(TINY).eval()
    rgb = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    kept = {name: level[0].half() + 1 for name, level in embed(model, rgb).tensors.items()}
    file = tmp_path / "picture.safetensors"
    save_file(kept, file)
    embeddings = Embeddings(tmp_path / "kept", model)
    assert not embeddings.adopt(rgb, tmp_path / "absent.safetensors")
    assert embeddings.adopt(rgb, file) and not embeddings.adopt(rgb, file), "once"
    found = embeddings.of([rgb])
    assert all(torch.equal(found[name][0], level) for name, level in kept.items())
    save_file({"other": torch.zeros(1)}, file)
    assert not embeddings.adopt(rgb[::-1].copy(), file), "of another model"


@pytest.mark.slow
def test_held_out_masks_are_asked_of_every_model_alike_in_any_number_of_processes(
    tmp_path: Path, weights: Path
) -> None:
    snapshot = frozen(tmp_path)
    sample = Sample(clicks=4, least=2, counted=1)
    told: list[tuple[int, int]] = []
    answers = held_out_answers(weights, snapshot, sample, {"2": "disc"}, report=lambda *done: told.append(done))
    digests = {image.pixel_digest for image, _ in snapshot.images("held_out")}
    assert {row["pixel_digest"] for row in answers.rows} == digests and len(answers.rows) == 2 * len(digests)
    assert all({"iou@1", "iou@2", "noc@85", "area", "source", "category"} <= row.keys() for row in answers.rows)
    assert answers.looked_at == 1 and told == [(done, len(digests)) for done in range(1, len(digests) + 1)]
    assert answers == held_out_answers(weights, open_snapshot(snapshot.folder), sample, {"2": "disc"}, 2)
    few = held_out_tasks(snapshot, Sample(images=1, masks=1))
    assert len(few) == 1 and len(few[0].annotations) == 1
