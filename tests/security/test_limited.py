"""The limited child: what it can do, what it cannot, and that the parent never notices more than one failed call."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from segmenter.limited import Child, Failed, Limits, Stopped

LIMITS = Limits(memory_bytes=1024**3, cpu_seconds=1, wall_seconds=20, reply_bytes=4_000_000)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits this")


@pytest.fixture
def child() -> Iterator[Child]:
    with Child("tests.security.hostile:act", LIMITS) as made:
        yield made


def test_answers_come_whole_and_from_one_process(child: Child) -> None:
    values = {"text": "ü\n", "number": 1.5, "none": None}
    (told, first), blobs = child.call(name="echo", **values)
    assert told == values
    assert blobs == [b"", b"\n{}\n", bytes(3_000_000)]
    (_, second), _ = child.call(name="echo")
    assert first == second != os.getpid()


def test_nothing_of_the_parent_is_known(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    (environment, folder), _ = child.call(name="environment")
    assert "canary" not in str(environment)
    assert {name for name in environment if not name.endswith("_THREADS")} <= {"PYTHONPATH", "LANG", "LC_CTYPE"}
    assert folder == "/"


def test_what_is_printed_is_no_answer(child: Child) -> None:
    assert child.call(name="chatter") == ("true", [])


def test_errors_of_the_function_leave_the_child_alone(child: Child) -> None:
    (_, before), _ = child.call(name="echo")
    with pytest.raises(Failed, match="ValueError: nothing good"):
        child.call(name="raise_error")
    assert child.call(name="echo")[0][1] == before


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        pytest.param("eat_memory", "memory", marks=on_linux),
        pytest.param("eat_memory_in_c", "died", marks=on_linux),
        ("spin", "time"),
        ("crash", "died"),
        ("flood", "memory"),
    ],
)
def test_a_call_that_goes_too_far_fails_alone(child: Child, act: str, reason: str) -> None:
    (_, before), _ = child.call(name="echo")
    with pytest.raises(Stopped) as stopped:
        child.call(name=act)
    assert stopped.value.reason == reason
    (_, after), _ = child.call(name="echo")
    assert after != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


def test_waiting_ends_too() -> None:
    with Child("tests.security.hostile:act", replace(LIMITS, wall_seconds=0.3)) as child:
        child.call(name="environment")  # it has started
        began = time.monotonic()
        with pytest.raises(Stopped) as stopped:
            child.call(name="wait")
    assert stopped.value.reason == "time"
    assert time.monotonic() - began < 10


def test_processor_time_is_counted_for_each_call(child: Child) -> None:
    answers = {child.call(name="work", seconds=0.7)[0] for _ in range(3)}
    assert len(answers) == 1


@on_linux
def test_no_network_no_programs_no_signals_no_files(child: Child, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert child.call(name="connect", port=server.getsockname()[1])[0] == "PermissionError"
    for act in ("start_program", "fork", "become_program", "signal_parent"):
        assert child.call(name=act)[0] == "PermissionError", act
    assert child.call(name="write_file", path=str(tmp_path / "new"))[0] == "OSError"
    assert not (tmp_path / "new").exists() or not (tmp_path / "new").read_bytes()
    assert child.call(name="open_many", path=__file__)[0] == "OSError"
    assert child.call(name="threads")[0] == [1]


def test_files_may_be_written_up_to_the_limit(tmp_path: Path) -> None:
    with Child("tests.security.hostile:act", replace(LIMITS, file_bytes=4)) as child:
        assert child.call(name="write_file", path=str(tmp_path / "new"))[0] is None
    assert (tmp_path / "new").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["tests.security.hostile:absent", "tests.security.absent:act"])
def test_a_child_that_cannot_start_is_no_fault_of_the_call(name: str) -> None:
    with Child(name, LIMITS) as child, pytest.raises(RuntimeError, match="did not start"):
        child.call()


def test_it_goes_with_its_parent(child: Child) -> None:
    """The pipe closes when the parent ends, however it ends; the child sees that and ends."""
    (_, number), _ = child.call(name="echo")
    process = child._process
    assert process is not None and process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
