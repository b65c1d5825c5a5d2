"""Ablations: shares of images are nested, arms differ in one thing, and a run leaves figures that can be trusted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from segmenter.config import TrainConfig
from segmenter.evaluate.ablation import ABLATIONS, ARMS, Arm, Run, arms_of, run_ablations, share_of
from segmenter.evaluate.ablation_report import write_ablation
from tests.segmenter.test_data import write_coco

IMAGES = {"a": {f"{number}.jpg" for number in range(150)}, "b": {f"{number}.jpg" for number in range(50)}}


def test_smaller_shares_lie_within_larger_ones_and_depend_on_names_alone() -> None:
    whole, tenth, hundredth = (share_of(IMAGES, share) for share in (1, 0.1, 0.01))
    assert whole == IMAGES
    assert [sum(map(len, kept.values())) for kept in (tenth, hundredth)] == [20, 2]
    assert all(files <= tenth[name] for name, files in hundredth.items())
    assert share_of(dict(reversed(IMAGES.items())), 0.1) == tenth
    assert sum(map(len, share_of(IMAGES, 0.0001).values())) == 1


def test_every_arm_differs_from_the_base_in_one_thing() -> None:
    def fields(arm: Arm) -> dict[str, object]:
        recipe = {f"recipe.{name}": value for name, value in dataclasses.asdict(arm.recipe).items()}
        return recipe | {"model": arm.model, "share": arm.share, "next_seed": arm.next_seed}

    base = fields(ARMS["base"])
    for key, arm in ARMS.items():
        changed = [name for name, value in fields(arm).items() if value != base[name]]
        assert len(changed) == (key != "base"), f"{key}: {changed}"
    assert {key for keys in ABLATIONS.values() for key in keys} == set(ARMS)


def test_arms_are_trained_once_however_many_ablations_need_them() -> None:
    assert arms_of(["outputs", "feedback"]) == ["base", "one-output", "no-feedback"]
    with pytest.raises(ValueError, match="no ablation size; there are outputs, images"):
        arms_of(["outputs", "size"])


def split_of(folder: Path, train: set[int], evaluate: set[int]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    name = "shapes/dev"
    return {name: {f"{n:03}.png" for n in train}}, {name: {f"{n:03}.png" for n in evaluate}}


def test_a_run_gives_figures_of_every_arm_and_takes_up_what_is_trained(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "shapes", images=4)
    split, run = split_of(folder, {1, 2, 3}, {4}), Run(steps=2, threads=1)
    arms, rows = run_ablations(["outputs"], run, [folder], split, tmp_path / "out")
    figures = write_ablation(tmp_path / "out", arms, rows)
    assert json.loads((tmp_path / "out" / "ablation.json").read_text()) == figures
    assert figures["evaluated"] == {"shapes/dev": {"images": 1, "masks": 2}}
    assert [len(found) for found in rows.values()] == [2, 2]
    base, single = figures["arms"]["base"], figures["arms"]["one-output"]
    assert base["recipe"]["steps"] == 2 and base["images"] == 3
    assert base["figures"].keys() - single["figures"].keys() == {"oracle@1"}
    difference = figures["differences"]["one-output"]["differences"]["macro"]["iou@2"]
    assert (difference["first"], difference["second"]) == (single["figures"]["iou@2"][0], base["figures"]["iou@2"][0])
    weights = {key: (tmp_path / "out" / key / "weights.safetensors").stat().st_mtime_ns for key in arms}
    assert run_ablations(["outputs"], run, [folder], split, tmp_path / "out") == (arms, rows)
    assert weights == {key: (tmp_path / "out" / key / "weights.safetensors").stat().st_mtime_ns for key in arms}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "one output minus base" in page and "How many training images" not in page
    with pytest.raises(ValueError, match="holds another run of this arm"):
        run_ablations(["outputs"], Run(steps=3, threads=1), [folder], split, tmp_path / "out")


def test_an_arm_trained_without_feedback_or_with_one_output_is_asked_so() -> None:
    """The defaults of training have both, so a renamed field cannot turn an arm into the base unnoticed."""
    base = TrainConfig()
    assert (base.outputs, ARMS["one-output"].recipe.outputs) == (3, 1)
    assert base.mask_feedback > 0 and ARMS["no-feedback"].recipe.mask_feedback == 0


def test_images_in_both_parts_and_empty_parts_are_refused(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "shapes", images=3)
    for train, evaluate, words in (
        ({1, 2}, {2, 3}, "1 images would be"),
        ({1}, set(), "evaluate"),
        (set(), {1}, "train"),
    ):
        with pytest.raises(ValueError, match=words):
            run_ablations(["outputs"], Run(steps=1), [folder], split_of(folder, train, evaluate), tmp_path / "out")
    assert not (tmp_path / "out").exists()
