"""Two processes that torchrun starts learn what one process learns from the same batches, and outlive a SIGKILL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from segmenter.checkpoint import load_weights
from segmenter.training.freezing import find_images, freeze_snapshot
from segmenter.training.loop import Alone
from segmenter.training.scenes import Scene, snapshot_scenes
from segmenter.training.snapshot import open_snapshot
from tests.segmenter.distributed_run import STEPS, run
from tests.segmenter.test_data import write_coco

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.segmenter.distributed_run", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distributed")
    freeze_snapshot(find_images([write_coco(folder / "data", images=6)], None), folder / "snapshot", 0.2)
    return folder / "snapshot"


@pytest.fixture(scope="module")
def scenes(snapshot: Path) -> dict[str, list[Scene]]:
    return snapshot_scenes(open_snapshot(snapshot))


@pytest.fixture(scope="module")
def two(snapshot: Path) -> Path:
    """Runs of two processes: two undisturbed ones, and one in which a process is killed as it draws its third batch."""
    out = snapshot.parent / "two"
    killed = torchrun(snapshot, out, "decoder", "full", "full-killed", "--die", 3)
    assert killed.returncode != 0 and "SIGKILL" in killed.stderr, killed.stderr
    return out


def metrics(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: line[name] for name in line if name.startswith(("loss", "iou", "best", "grad"))} for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["model"]


@pytest.mark.parametrize("mode", ["decoder", "full"])
def test_two_processes_learn_what_one_does_from_both_batches(
    two: Path, scenes: dict[str, list[Scene]], tmp_path: Path, mode: str
) -> None:
    run(Alone(), scenes, tmp_path / "one", mode, parts=2)  # type: ignore[arg-type]
    ours, theirs = metrics(tmp_path / "one"), metrics(two / mode)
    assert len(ours) == len(theirs) == STEPS and {"loss_first", "loss_last", "gradient"} <= ours[0].keys()
    for one, other in zip(ours, theirs, strict=True):
        assert other == pytest.approx(one, rel=2e-4)
    alone, together = weights(tmp_path / "one"), weights(two / mode)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-3, atol=2e-5, msg=name)
    # The comparison can fail: half of the batches teach something else.
    run(Alone(), scenes, tmp_path / "half", mode, parts=1)  # type: ignore[arg-type]
    assert metrics(tmp_path / "half")[0]["loss_first"] != pytest.approx(theirs[0]["loss_first"], rel=1e-2)


def test_after_a_sigkill_the_run_ends_as_if_nothing_had_been(
    two: Path, snapshot: Path, scenes: dict[str, list[Scene]], tmp_path: Path
) -> None:
    killed = two / "full-killed"
    assert torch.load(killed / "checkpoint.pt", weights_only=True)["step"] == 2
    assert not (killed / "weights.safetensors").exists()
    shutil.copytree(killed, tmp_path / "alone")
    resumed = torchrun(snapshot, two, "full-killed")
    assert resumed.returncode == 0, resumed.stderr
    whole, again = (load_weights(folder / "weights.safetensors")[0] for folder in (two / "full", killed))
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    assert metrics(killed) == metrics(two / "full")
    # One process takes the run over, with two parts a step.
    run(Alone(), scenes, tmp_path / "alone", "full", parts=2)
    for one, other in zip(metrics(tmp_path / "alone"), metrics(two / "full"), strict=True):
        assert other == pytest.approx(one, rel=2e-4)
    with pytest.raises(ValueError, match="run of 2 batches a step"):
        run(Alone(), scenes, tmp_path / "alone", "full", parts=1)
