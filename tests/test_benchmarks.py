"""Every benchmark runs to its end at a tiny size and says what it compared; never how fast, which machines decide."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.reference_attention import PlainAttention
from segmenter.modeling.image_encoder import Attention

ROOT = Path(__file__).parents[1]
KEYS = {"name", "peer", "ours", "theirs", "unit", "ratio", "goal"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("rle --side 48 --masks 2 --repeat 1", ["rle encode", "rle decode"]),
        ("click --small --size 40 60 --repeat 1", ["click fp32"]),
        ("vit --small --model vit_b --repeat 1", ["encode vit_b fp32"]),
        ("training --small --steps 4", ["decoder training vit_b, starter"]),
        ("training --small --steps 2 --preset paper", ["decoder training vit_b, paper"]),
    ],
    ids=["rle", "click", "vit", "training", "training of the paper"],
)
def test_a_benchmark_prints_its_comparisons(command: str, names: list[str]) -> None:
    name, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [row["name"] for row in rows][: len(names)] == names
    for row in rows:
        assert row.keys() == KEYS
        assert row["ratio"] == pytest.approx(row["theirs"] / row["ours"], rel=0.05)
    assert " cores, " in done.stdout.splitlines()[0]


@pytest.mark.slow
def test_the_figures_of_scale_are_all_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.scale", "--small", "--alone", "--images", "5", "--masks", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row["value"] for row in map(json.loads, done.stdout.splitlines()[1:])}
    assert rows["images"] == 5 and 12 <= rows["checkpoint"] < 14, "weights and two moments, four bytes each"
    assert all(value > 0 for value in rows.values()) and len(rows) == 14


@torch.no_grad()
def test_the_peer_of_the_encoder_gives_the_same_numbers() -> None:
    torch.manual_seed(0)
    attention = Attention(24, 3, 5)
    for table in (attention.rel_pos_h, attention.rel_pos_w):
        table.normal_()
    cells = torch.randn(2, 5, 5, 24)
    expected = attention(cells)
    attention.__class__ = PlainAttention
    torch.testing.assert_close(attention(cells), expected, atol=1e-5, rtol=1e-5)
