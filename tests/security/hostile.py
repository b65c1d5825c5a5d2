"""What hostile bytes might make a decoder do once they have taken it over; called in a limited child."""

import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

Answer = tuple[Any, list[bytes]]


def act(name: str, **arguments: Any) -> Answer:
    """One of the acts below."""
    chosen: Answer = globals()[name](**arguments)
    return chosen


def echo(**values: Any) -> Answer:
    return [values, os.getpid()], [b"", b"\n{}\n", bytes(3_000_000)]


def environment() -> Answer:
    return [dict(os.environ), os.getcwd()], []


def threads() -> Answer:
    seen: list[int] = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start()
    thread.join()
    return seen, []


def eat_memory() -> Answer:
    return len(bytearray(10 * 1024**3)), []


def eat_memory_in_c() -> Answer:
    """A library that does not look at what malloc gave it."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    ctypes.memset(library.malloc(ctypes.c_size_t(10 * 1024**3)) or 0, 1, 10)
    return None, []


def spin() -> Answer:
    while True:
        pass


def work(seconds: float) -> Answer:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid(), []


def wait() -> Answer:
    time.sleep(600)
    return None, []


def crash() -> Answer:
    ctypes.string_at(0)
    return None, []


def raise_error() -> Answer:
    raise ValueError("nothing good")


def chatter() -> Answer:
    """Printing must not get between the answers."""
    os.write(1, b'{"value": "forged", "blobs": []}\n')
    return "true", []


def flood() -> Answer:
    return None, [bytes(50_000_000)]


def connect(port: int) -> Answer:
    return refused(lambda: socket.create_connection(("127.0.0.1", port), 5))


def start_program() -> Answer:
    return refused(lambda: subprocess.run(["/bin/true"], check=False))


def fork() -> Answer:
    return refused(os.fork)


def become_program() -> Answer:
    return refused(lambda: os.execv("/bin/true", ["true"]))  # noqa: S606 - the point is that it is refused


def signal_parent() -> Answer:
    return refused(lambda: os.kill(os.getppid(), signal.SIGTERM))


def write_file(path: str) -> Answer:
    return refused(lambda: Path(path).write_bytes(b"mine"))


def open_many(path: str) -> Answer:
    return refused(lambda: [Path(path).open("rb") for _ in range(500)])


def refused(forbidden: Any) -> Answer:
    """The name of the error, or None when nothing stopped it."""
    try:
        forbidden()
    except OSError as error:
        return type(error).__name__, []
    return None, []
