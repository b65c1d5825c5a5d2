"""Threads and memory of a process that runs a model, looked at from inside such a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.machine import PROCESS_BYTES, free_bytes, processes
from workers.model_cache import load

LOOK = """
import json, os, resource, sys
from pathlib import Path
from workers.model_cache import load

load(Path(sys.argv[1]), 1)  # what a worker does before its first job with a model
import torch

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(2**22)  # 16 MiB, which the C library would map and give back each time
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(json.dumps({"faults": faults(), "policy": os.environ["OMP_WAIT_POLICY"], "threads": torch.get_num_threads()}))
"""


def look(release: Path, **variables: str) -> dict[str, object]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "OMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(release)], env=ours | variables, capture_output=True, text=True, check=True
    )
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is not glibc")
def test_a_worker_keeps_its_memory_and_its_waiting_threads_sleep(tiny_release: Path) -> None:
    told = look(tiny_release)
    assert told["policy"] == "PASSIVE"
    assert told["threads"] == 1
    assert int(str(told["faults"])) < 1000  # 4 x 4096 pages without the policy


def test_what_somebody_set_is_left_alone(tiny_release: Path) -> None:
    told = look(tiny_release, MALLOC_MMAP_THRESHOLD_="131072", OMP_WAIT_POLICY="ACTIVE")
    assert told["policy"] == "ACTIVE"
    assert int(str(told["faults"])) > 1000


def test_a_precision_that_gains_nothing_is_not_followed(tiny_release: Path) -> None:
    exact, asked = load(tiny_release, 1), load(tiny_release, 1, "bfloat16")  # the starter gains nowhere
    assert [value.dtype for value in asked.model.state_dict().values()] == [
        value.dtype for value in exact.model.state_dict().values()
    ]


@pytest.mark.parametrize(
    ("cores", "gibibytes", "pictures", "model", "expected"),
    [
        (2, 8, 50, 20 << 20, 2),
        (16, 64, 50, 20 << 20, 12),  # more would wait for their own start
        (16, 64, 200, 1 << 30, 12),  # ViT-H: each takes five GiB
        (16, 3, 200, 1 << 30, 1),
        (16, 64, 3, 20 << 20, 1),
        (1, 64, 200, 20 << 20, 1),
    ],
)
def test_work_on_pictures_is_shared_as_cores_and_memory_go(
    cores: int, gibibytes: int, pictures: int, model: int, expected: int
) -> None:
    assert processes(cores, gibibytes << 30, pictures, model) == expected


def test_the_memory_that_is_free_is_known() -> None:
    assert PROCESS_BYTES < free_bytes() < 1 << 50
