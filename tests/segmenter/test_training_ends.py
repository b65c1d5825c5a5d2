"""However a run ends, it says so in one line and keeps the last good checkpoint."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from segmenter.checkpoint import load_weights, save_weights, state_digest
from segmenter.config import TrainConfig
from segmenter.modeling.starter import Starter
from segmenter.training.batches import Batch, Slot
from segmenter.training.loop import train
from segmenter.training.prompting import Prompting
from segmenter.training.scenes import Sampler, read_scenes
from segmenter.training.state import CHECKPOINT, TrainState, start
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

RECIPE = TrainConfig(steps=3, images_per_step=1, masks_per_image=1, first_frame=64, threads=1)


def slot_of(folder: Path, kind: type[Sampler] = Sampler) -> Slot:
    rng = random.Random(0)
    return Slot(kind(read_scenes([folder], None), RECIPE, rng), rng)


def finished(tmp_path: Path) -> Path:
    """The folder of a run that came to its end."""
    folder = write_coco(tmp_path / "x")
    train(Prompting(Starter(TINY), RECIPE), [slot_of(folder)], RECIPE, tmp_path / "out")
    return tmp_path / "out"


class LosingTheDevice(Sampler):
    """What torch says when a card falls off the bus, at the first batch."""

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure\nCompile with `TORCH_USE_CUDA_DSA`")


def test_a_lost_device_is_told_with_what_is_left(tmp_path: Path) -> None:
    out = finished(tmp_path)
    kept = (out / CHECKPOINT).read_bytes()
    more = replace(RECIPE, steps=9)
    with pytest.raises(
        OSError, match=r"device failed at step 4: CUDA error: unspecified launch failure; the last good"
    ):
        train(Prompting(Starter(TINY), more), [slot_of(tmp_path / "x", LosingTheDevice)], more, out)
    assert (out / CHECKPOINT).read_bytes() == kept


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    out = finished(tmp_path)
    kept = (out / CHECKPOINT).read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (len(kept) // 2, before[1])
    )  # a write beyond it fails as a full disk does
    more = replace(RECIPE, steps=4)
    try:
        with pytest.raises(OSError, match=r"cannot write .*checkpoint\.pt: .*; the last good state is"):
            train(Prompting(Starter(TINY), more), [slot_of(tmp_path / "x")], more, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (out / CHECKPOINT).read_bytes() == kept and not list(out.glob("*.partial"))


def test_who_is_asked_to_stop_saves_first(tmp_path: Path) -> None:
    out, folder = tmp_path / "out", write_coco(tmp_path / "x")
    with pytest.raises(InterruptedError, match=r"stopped at step 1; the same command goes on from .*checkpoint\.pt"):
        train(Prompting(Starter(TINY), RECIPE), [slot_of(folder)], RECIPE, out, stop=lambda: True)
    state = restored(out)
    assert state.step == 1
    train(Prompting(Starter(TINY), RECIPE), [slot_of(folder)], RECIPE, out)
    assert restored(out).step == 3


def restored(out: Path) -> TrainState:
    state = start(Starter(TINY), RECIPE)
    state.load(out / CHECKPOINT)
    return state


def test_a_run_that_is_over_stays_over(tmp_path: Path) -> None:
    out = finished(tmp_path)
    weights = state_digest(load_weights(out / "weights.safetensors")[0])
    train(Prompting(Starter(TINY), RECIPE), [slot_of(tmp_path / "x", LosingTheDevice)], RECIPE, out)
    assert state_digest(load_weights(out / "weights.safetensors")[0]) == weights


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        torch.save({"model": {"other": torch.zeros(1)}}, tmp_path / CHECKPOINT)
    else:
        (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(ValueError, match=r"is no checkpoint of this model and recipe"):
        start(Starter(TINY), RECIPE).load(tmp_path / CHECKPOINT)


def test_a_run_continues_with_as_many_parts(tmp_path: Path) -> None:
    out = finished(tmp_path)
    slots = [slot_of(tmp_path / "x"), slot_of(tmp_path / "x")]
    with pytest.raises(ValueError, match="belongs to a run of 1 batches a step"):
        train(Prompting(Starter(TINY), RECIPE), slots, RECIPE, out)


def test_images_whose_masks_are_all_tiny_end_the_run(tmp_path: Path) -> None:
    slot = slot_of(write_coco(tmp_path / "x"))
    assert isinstance(slot.source, Sampler)
    plain = replace(RECIPE, synthetic_share=0.0, paste_share=0.0, most_area=0.0001)
    with pytest.raises(ValueError, match="1000 crops in a row"):
        Sampler({"x": [scene for some in slot.source.sets for scene in some]}, plain, random.Random(0)).batch(1, 1, 64)


@pytest.mark.slow
def test_sigterm_ends_the_command_with_its_state(tmp_path: Path) -> None:
    """As a scheduler does it: one line, exit status 1, and the same command goes on."""
    folder, out = write_coco(tmp_path / "x"), tmp_path / "out"
    command = [sys.executable, "-m", "backend.main", "train", "--data", str(folder), "--out", str(out)]
    save_weights(tmp_path / "tiny.safetensors", Starter(TINY).state_dict(), TINY)
    command += f"--mode decoder --init {tmp_path}/tiny.safetensors --images 1 --masks 1 --threads 1".split()
    running = subprocess.Popen(
        [*command, "--steps", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while not (out / "metrics.jsonl").exists() and time.monotonic() < deadline:
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=200)
    assert running.returncode == 1 and "maskmill: stopped at step" in said and "Traceback" not in said
    assert (out / CHECKPOINT).exists() and not (out / "weights.safetensors").exists()
    step = int(said.split("stopped at step ")[1].split(";")[0])
    assert step >= 20
    done = subprocess.run(
        [*command, "--steps", str(step + 1)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    digests = {
        state_digest(load_weights(file)[0], "image_encoder.")
        for file in (tmp_path / "tiny.safetensors", out / "weights.safetensors")
    }
    assert len(digests) == 1, "embeddings made before stay valid"
