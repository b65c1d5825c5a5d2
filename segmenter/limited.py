"""A function in a child process with limits: for bytes that strangers made and native code that reads them.

The child is a fresh interpreter without the parent's environment, files or connections. The kernel limits its memory,
processor time and the files that it writes; on Linux it may also open no socket, start no program and signal nobody.
What it answers is JSON and bytes, never pickles. It stays for further calls until one of them goes beyond a limit;
then that call fails and the next one gets a new child.

The function is named "package.module:name"; it takes JSON values by keyword and returns (JSON value, [bytes, ...]).
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Literal, Self

from segmenter import confinement

Reason = Literal["memory", "time", "died"]
Function = Callable[..., tuple[Any, list[bytes]]]

START_SECONDS = 120.0  # importing the function's module, on a machine that is busy
HEADER_BYTES = 4 * 1024 * 1024
CHUNK = 1024 * 1024
OPEN_FILES = 64


@dataclass(frozen=True)
class Limits:
    """Of the whole process: address space in bytes; of each call: seconds and bytes of its answer.

    `file_bytes` is the largest file that it may write; with 0 it writes none.
    """

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    reply_bytes: int
    file_bytes: int = 0


class Stopped(Exception):
    """The child went beyond a limit ("memory", "time") or broke off ("died")."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Failed(Exception):
    """The function raised an error; this is its kind and text."""


class Child:
    """Calls one function in a limited child, started at the first call. Thread-safe: one call at a time."""

    def __init__(self, function: str, limits: Limits) -> None:
        self._function = function
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a further call starts another."""
        with self._turn:
            self._end()

    def call(self, **arguments: Any) -> tuple[Any, list[bytes]]:
        """The function's answer. Raises Stopped, Failed; RuntimeError when no child can be started."""
        with self._turn:
            process = self._process or self._start()
            try:
                return self._answer(process, arguments)
            except Failed:
                raise
            except BaseException:  # also when interrupted: half an answer may be in the pipe
                self._end()
                raise

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "segmenter.limited", self._function, json.dumps(asdict(self._limits))]
        self._process = process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=_environment(), bufsize=0
        )
        try:
            _Reader(process, time.monotonic() + START_SECONDS).header()
        except Stopped as stopped:
            self._end()
            raise RuntimeError(f"the child for {self._function} did not start: {stopped.reason}") from stopped
        return process

    def _answer(self, process: subprocess.Popen[bytes], arguments: dict[str, Any]) -> tuple[Any, list[bytes]]:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(arguments).encode() + b"\n")
        except BrokenPipeError:
            raise Stopped(_reason(process)) from None
        reader = _Reader(process, time.monotonic() + self._limits.wall_seconds)
        header = reader.header()
        if "stopped" in header:
            raise Stopped("memory")
        sizes = [int(size) for size in header.get("blobs", [])]
        if min(sizes, default=0) < 0 or sum(sizes) > self._limits.reply_bytes:
            raise Stopped("memory")
        if "failed" in header:
            raise Failed(str(header["failed"]))
        return header.get("value"), [reader.exactly(size) for size in sizes]

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class _Reader:
    """Reads one answer from the child's pipe, until a deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        assert process.stdout is not None
        self._process, self._deadline = process, deadline
        self._pipe = process.stdout.fileno()
        self._ready = select.poll()
        self._ready.register(self._pipe, select.POLLIN)
        self._buffer = bytearray()

    def header(self) -> dict[str, Any]:
        """The line before the bytes; raises Stopped."""
        while b"\n" not in self._buffer:
            self._more()
            if len(self._buffer) > HEADER_BYTES and b"\n" not in self._buffer:
                raise Stopped("died")
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        try:
            header = json.loads(line)
        except ValueError:
            raise Stopped("died") from None
        if not isinstance(header, dict):
            raise Stopped("died")
        return header

    def exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken = bytes(memoryview(self._buffer)[:size])
        self._buffer = self._buffer[size:]
        return taken

    def _more(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0 or not self._ready.poll(left * 1000):
            raise Stopped("time")
        piece = os.read(self._pipe, CHUNK)
        if not piece:
            raise Stopped(_reason(self._process))
        self._buffer += piece


def _reason(process: subprocess.Popen[bytes]) -> Reason:
    """Why the child closed its pipe."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    return "time" if process.returncode == -signal.SIGXCPU else "died"


def _environment() -> dict[str, str]:
    """Where this process finds its modules, one thread, and nothing else of what it was told."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**alone, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LANG": "C.UTF-8"}


# --- in the child ---------------------------------------------------------------------------------------------------


def serve(name: str, limits: Limits) -> None:
    """Answer calls until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the parent, which then ends this one
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)  # what libraries print must not get between the answers
    _limit(limits)
    module, _, attribute = name.partition(":")
    function: Function = getattr(importlib.import_module(module), attribute)
    _reply(replies, {"ready": True}, [])
    for line in requests:
        _limit_cpu(limits.cpu_seconds)
        header, blobs = _outcome(function, json.loads(line))
        _reply(replies, header, blobs)
        if "stopped" in header:
            return


def _outcome(function: Function, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    try:
        value, blobs = function(**arguments)
    except MemoryError:
        return {"stopped": "memory"}, []
    except Exception as error:  # noqa: BLE001 - every error belongs to the caller, who is in the other process
        return {"failed": f"{type(error).__name__}: {error}"[:2000]}, []
    return {"value": value, "blobs": [len(blob) for blob in blobs]}, blobs


def _reply(replies: BinaryIO, header: dict[str, Any], blobs: list[bytes]) -> None:
    replies.write(json.dumps(header).encode() + b"\n")
    for blob in blobs:
        replies.write(blob)
    replies.flush()


def _limit(limits: Limits) -> None:
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: OPEN_FILES, resource.RLIMIT_FSIZE: limits.file_bytes}
    if sys.platform == "linux":  # a Mac has no limit of address space
        wanted[resource.RLIMIT_AS] = limits.memory_bytes
        with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("1000")  # when the machine itself runs out of memory, this process goes first
        confinement.confine()
    for kind, most in wanted.items():
        resource.setrlimit(kind, (most, most))


def _limit_cpu(seconds: int) -> None:
    """So many seconds from now on; the kernel counts from the start of the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    serve(sys.argv[1], Limits(**json.loads(sys.argv[2])))
