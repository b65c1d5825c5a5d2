"""Embedded mode: the web server's own broker, its worker and its trainer, children that never outlive it.

On Linux the kernel ends them when their parent dies, even by SIGKILL; elsewhere the worker watches its parent, and a
left-over broker is ended by the next start (workers/child.py). A child that dies is started again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from backend.doorbell import redis_program, socket_path
from backend.errors import Conflict
from backend.settings import Settings
from backend.storage.base import storage_from_url
from backend.storage.local import LocalStorage

log = logging.getLogger(__name__)
_STOP_SECONDS = 10.0
# Training takes minutes; a worker of its own keeps images and exports from waiting for it.
WORKERS = {"worker": ("cpu", "gpu"), "trainer": ("train",)}
SCRATCH = ("incoming", "exports")  # below the data directory: uploads being received, archives being built


class Embedded:
    """Starts the children, restarts them, stops them. `start` returns at once; the web server need not wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._lock_file: IO[str] | None = None
        self._thread = threading.Thread(target=self._supervise, name="embedded", daemon=True)

    def hold(self) -> None:
        """Claim the data directory, before anything in it is touched; Conflict when another server uses it."""
        self._lock_file = only_one(self._settings.data_dir)

    def forget_unfinished(self) -> None:
        """Remove the scratch files of a server and a worker that were killed; only while the directory is held."""
        for name in SCRATCH:
            shutil.rmtree(self._settings.data_dir / name, ignore_errors=True)
        storage = storage_from_url(self._settings.storage_url)
        if isinstance(storage, LocalStorage):
            storage.forget_unfinished()

    def start(self) -> None:
        # The kernel ends a child when the *thread* that made it ends, so one thread makes them all and stays.
        self._thread.start()

    def stop(self) -> None:
        """End the children: the worker may finish the job at hand for a moment."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(2 * _STOP_SECONDS + 5)
        if self._lock_file:
            self._lock_file.close()

    def _supervise(self) -> None:
        commands = self._commands()
        started: dict[str, float] = {}
        while not self._over.is_set():
            for name, command in commands.items():
                child = self._children.get(name)
                if child is not None and child.poll() is None:
                    continue
                if child is not None:
                    log.warning("the %s ended (status %s); starting it again", name, child.returncode)
                    if self._over.wait(max(0.0, started[name] + 2.0 - time.monotonic())):  # not in a tight loop
                        break
                started[name] = time.monotonic()
                self._children[name] = self._spawn(command)
            self._over.wait(0.25)
        for name in reversed(commands):
            if name in self._children:
                _end(self._children[name])

    def _commands(self) -> dict[str, list[str]]:
        me = [sys.executable, "-m", "workers.child", str(os.getpid())]
        commands = {}
        program = redis_program()
        if program:
            path = socket_path(self._settings.data_dir)
            _end_leftover(path)
            # Nothing is kept on disk: the rows are the truth, and a lost message is announced again.
            options = {"port": "0", "unixsocket": str(path), "unixsocketperm": "700", "save": "", "appendonly": "no"}
            options |= {"dir": str(path.parent), "logfile": str(path.parent / "redis.log"), "loglevel": "warning"}
            commands["broker"] = [*me, program, *(part for name in options for part in (f"--{name}", options[name]))]
        for name, queues in WORKERS.items():
            commands[name] = [*me, "-Q", ",".join(queues)]
        return commands

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **child_environment(self._settings)}
        # A group of its own: Ctrl+C in the terminal reaches only the server, which then ends its children in order.
        # Standard output belongs to the server's one line; what a child says goes where the server's log goes.
        return subprocess.Popen(
            command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
        )


def child_environment(settings: Settings) -> dict[str, str]:
    """The parent's settings as variables, so that options of the command line reach the child."""
    told = {"data_dir", "database_url", "storage_url", "broker_url", "max_upload_bytes", "max_image_pixels"}
    told |= {"max_image_side", "decode_memory_bytes", "decode_seconds", "worker_threads", "worker_precision"}
    told |= {"job_lease_seconds", "job_resend_seconds"}
    return {f"MASKMILL_{name.upper()}": str(getattr(settings, name)) for name in told}


def only_one(data_dir: Path) -> IO[str]:
    """Hold data_dir/lock for as long as the file returned stays open; Conflict when somebody else holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    file = (data_dir / "lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Conflict(f"another Maskmill already serves {data_dir}", code="already_running") from None
    return file


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _end_leftover(path: Path) -> None:
    """Where the kernel does not end children, a killed server leaves its broker behind."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(b"SHUTDOWN NOSAVE\r\n")
        while client.recv(1024):  # until it closes the connection: it is gone
            pass
    path.unlink(missing_ok=True)
