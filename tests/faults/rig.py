"""Real processes to kill: the server and workers as people start them, and a small client that speaks to the API."""

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import servers

READY = re.compile(r"(http://127\.0\.0\.1:\d+)/login\?token=\S+")


class Process:
    """One `maskmill ...` in a session of its own; killed by its id, never by name."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._started_at = output.tell()
            command = [sys.executable, "-m", "backend.main", *arguments]
            self._process = subprocess.Popen(
                command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.id = self._process.pid

    def said(self) -> str:
        """What this process and its children wrote so far."""
        return self._log.read_bytes()[self._started_at :].decode(errors="replace")

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, to this one process alone."""
        os.kill(self.id, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> int:
        """SIGTERM, as service managers do; the exit status."""
        if self.alive():
            self._process.terminate()
            self._process.wait(30)
        return self._process.returncode

    def children(self) -> dict[int, str]:
        """Living child processes: id -> command line."""
        return children(self.id)

    def worker(self) -> int:
        """The embedded worker's process id."""

        def found() -> list[int]:
            return [child for child, name in self.children().items() if "workers.child" in name and "cpu,gpu" in name]

        servers.wait_until(lambda: bool(found()), "a worker")
        return found()[0]


def children(process_id: int) -> dict[int, str]:
    """Living child processes of a process: id -> command line."""
    # -ww: whole command lines, however narrow COLUMNS says that the terminal is.
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]
    return {int(row[0]): row[3] for row in rows if int(row[1]) == process_id and not row[2].startswith("Z")}


def lives(process_id: int) -> bool:
    try:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError:
        return False
    return not state.stdout.startswith("Z")


def environment(data: Path, **settings: str) -> dict[str, str]:
    """This process's environment without anybody's settings, with these instead."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MASKMILL_")}
    told = {f"MASKMILL_{name.upper()}": value for name, value in settings.items()}
    return {**clean, "MASKMILL_DATA_DIR": str(data), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **told}


class Client:
    """A signed-in caller of the API."""

    def __init__(self, server: Process, timeout_seconds: float = 60.0) -> None:
        servers.wait_until(
            lambda: bool(READY.search(server.said())) or not server.alive(), "the address", timeout_seconds
        )
        found = READY.search(server.said())
        if found is None:
            raise RuntimeError(server.said()[-3000:])
        self.home = found[1]
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open
        self._open(found[0], timeout=30).close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """JSON in, JSON out; raises urllib's HTTPError."""
        content = None if body is None else json.dumps(body).encode()
        return json.loads(self.raw(method, path, content, "application/json"))

    def raw(self, method: str, path: str, content: bytes | None = None, media_type: str = "") -> bytes:
        headers = {"Origin": self.home, **({"Content-Type": media_type} if content is not None else {})}
        request = urllib.request.Request(self.home + path, content, headers, method=method)  # noqa: S310 our own server
        with self._open(request, timeout=60) as answer:
            return bytes(answer.read())

    def upload(self, project_id: str, files: Mapping[str, bytes]) -> list[Any]:
        """Upload images; the accepted ones."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'.encode()
            + b"Content-Type: image/png\r\n\r\n"
            + content
            + b"\r\n"
            for name, content in files.items()
        ]
        body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
        path, kind = f"/api/projects/{project_id}/images", f"multipart/form-data; boundary={boundary}"
        accepted: list[Any] = json.loads(self.raw("POST", path, body, kind))["accepted"]
        return accepted

    def images(self, project_id: str) -> list[Any]:
        """Every image of a project."""
        found: list[Any] = []
        after = ""
        while True:
            page = self.call("GET", f"/api/projects/{project_id}/images?limit=100{after}")
            found += page["images"]
            if not page["next"]:
                return found
            after = f"&after={page['next']}"

    def embedded(self, project_id: str) -> int:
        """How many images have their embedding."""
        return int(self.call("GET", f"/api/projects/{project_id}")["embedded_image_count"])

    def wait_for(self, project_id: str, count: int, timeout_seconds: float) -> None:
        """Until `count` images have their embedding."""
        end = time.monotonic() + timeout_seconds
        while (ready := self.embedded(project_id)) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{ready} of {count} embeddings after {timeout_seconds} s")
            time.sleep(0.3)
