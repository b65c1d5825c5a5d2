"""The last stage of training: the head that predicts IoU learns from collected answers, nothing else changes."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from segmenter.config import CalibrationConfig
from segmenter.modeling.common import MLP
from segmenter.modeling.starter import Starter
from segmenter.training.calibrate import Answers, calibrate, collect, fit, quality
from segmenter.training.scenes import read_scenes
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

CONFIG = CalibrationConfig(epochs=40, batch=16, held_back=2)


def model() -> Starter:
    torch.manual_seed(0)
    return Starter(TINY).eval()


def learnable(count: int) -> Answers:
    """Answers whose IoU stands in what the head reads, at an odd scale."""
    generator = torch.Generator().manual_seed(1)
    read = torch.randn(count, 4, 6, generator=generator) * 30 + 100
    iou = torch.sigmoid((read[..., 2] - 100) / 30)
    every = torch.ones(count)
    return Answers(read, iou, every.bool(), torch.arange(count), every)


def test_the_head_learns_to_rank_at_any_scale_of_what_it_reads() -> None:
    torch.manual_seed(3)
    head, answers = MLP(6, 16, 1, 3), learnable(400)
    before = quality(head, answers)
    fit(head, answers.where(answers.scene % 2 == 0), replace(CONFIG, epochs=60, dropout=0.0))
    after = quality(head, answers.where(answers.scene % 2 == 1))
    assert after["chosen"] > before["chosen"] + 0.1 and after["chosen"] > 0.95 * after["best"]
    assert after["error"] < 0.08


def test_answers_are_those_of_the_model(tmp_path: Path) -> None:
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    starter = model()
    answers = collect(starter, scenes, CONFIG, random.Random(0))
    assert len(answers.read) == len(answers.iou) == len(answers.first) == len(answers.scene) == len(answers.weight)
    assert int(answers.first.sum()) * 2 == len(answers.first), "a first and a second prompt on every mask"
    assert answers.iou.shape[1] == 4 and float(answers.iou.min()) >= 0 and float(answers.iou.max()) <= 1
    assert not starter.mask_decoder.iou_head._forward_pre_hooks
    again = collect(starter, scenes, CONFIG, random.Random(0))
    assert torch.equal(again.read, answers.read) and torch.equal(again.iou, answers.iou)


def test_nothing_but_the_head_changes(tmp_path: Path) -> None:
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    starter = model()
    before = {name: value.clone() for name, value in starter.state_dict().items()}
    shares: list[float] = []
    figures = calibrate(starter, scenes, CONFIG, random.Random(0), shares.append)
    changed = {name for name, value in starter.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("mask_decoder.iou_head.") for name in changed)
    assert figures["chosen"] <= figures["best"] + 1e-6 and 0 <= figures["error"] < 1
    assert shares == sorted(shares) and shares[0] == 0


def test_a_data_set_without_a_mask_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no mask"):
        collect(model(), {"x": []}, CONFIG, random.Random(0))


def test_one_image_is_too_little(tmp_path: Path) -> None:
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    alone = {name: members[:1] for name, members in scenes.items()}
    with pytest.raises(ValueError, match="at least two"):
        calibrate(model(), alone, CONFIG, random.Random(0))
