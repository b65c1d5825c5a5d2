"""The committed golden files are what their script writes, so neither is edited alone."""

import json
from typing import Any

import numpy as np
import pytest

from tests.golden import make_golden
from tests.segmenter import golden

WRITTEN = {
    ("rle.json", "masks"): make_golden.masks,
    ("rle.json", "rejected"): make_golden.rejected,
    ("rle.json", "accepted_lists"): make_golden.lists,
    ("transforms.json", "sizes"): make_golden.sizes,
    ("transforms.json", "points"): make_golden.points,
    ("choice.json", "cases"): make_golden.choices,
    ("brush.json", "cases"): make_golden.brushed,
}


@pytest.mark.parametrize(("file", "key"), WRITTEN, ids=[f"{file}:{key}" for file, key in WRITTEN])
def test_committed_entries_are_those_of_the_script(file: str, key: str) -> None:
    assert golden.read(file)[key] == json.loads(json.dumps(WRITTEN[file, key]()))


def test_upsampling_entries_are_those_of_the_script() -> None:
    written: list[dict[str, Any]] = make_golden.upsampling()
    for committed, fresh in zip(golden.read("upsampling.json")["masks"], written, strict=True):
        assert {k: v for k, v in committed.items() if k != "samples"} == {
            k: v for k, v in fresh.items() if k != "samples"
        }
        np.testing.assert_allclose(committed["samples"], fresh["samples"], rtol=0, atol=1e-5)  # torch's last bits vary


def test_shared_files_stay_small() -> None:
    assert sum(file.stat().st_size for file in golden.COMMITTED.glob("*.json")) < 500_000
    assert sum(file.stat().st_size for file in golden.COMMITTED.rglob("*")) < 14_000_000
