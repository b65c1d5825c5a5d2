"""`maskmill serve` and `maskmill worker` as people start them: real processes, real ports, a directory of their own."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from backend.runtime import Runtime
from backend.settings import Settings
from tests import servers

MASKMILL = str(Path(sys.executable).parent / "maskmill")
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/login\?token=\S+")


@dataclass(frozen=True)
class Server:
    """A running Maskmill: `login` is the printed address, `home` its root, `environment` suits further commands."""

    login: str
    home: str
    environment: Mapping[str, str]
    log: Path
    process_id: int
    _cookies: list[Any] = field(default_factory=list)

    def sign_in(self, page: Page) -> None:
        """By the printed address, which works once; another profile then borrows the cookie of the first."""
        if self._cookies:
            page.context.add_cookies(self._cookies)
        else:
            page.goto(self.login)
            self._cookies.extend(page.context.cookies())
        page.goto(self.home)  # also after a sign-in: routes of Playwright do not see what a redirect leads to

    @contextmanager
    def behind(self) -> Iterator[Runtime]:
        """The database and the storage of an embedded server, for what other people and workers do."""
        data = Path(self.environment["MASKMILL_DATA_DIR"])
        runtime = Runtime.from_settings(Settings(data_dir=data), send=lambda wakes: None)
        yield runtime
        runtime.close()

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """A request of the person who signed in first, from any thread; raises urllib's HTTPError."""
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in self._cookies)
        headers = {"Origin": self.home, "Cookie": cookies, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.home + path, content, headers, method=method)  # noqa: S310 our own server
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 our own server
            return bytes(answer.read())

    def command(self, *arguments: str) -> str:
        """Run `maskmill ARGUMENTS` with the same settings; what it prints."""
        done = subprocess.run(
            [MASKMILL, *arguments], env=dict(self.environment), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def environment(data: Path, **settings: str) -> dict[str, str]:
    """This process's environment without anybody's settings, with these instead."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MASKMILL_")}
    return {**clean, "MASKMILL_DATA_DIR": str(data), "OMP_NUM_THREADS": "1", **settings}


@contextmanager
def process(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        started = subprocess.Popen(command, env=dict(env), stdout=output, stderr=subprocess.STDOUT)
    try:
        yield started
    finally:
        servers.stop(started)


@contextmanager
def serving(data: Path, *options: str, prefix: Sequence[str] = (), **settings: str) -> Iterator[Server]:
    """`maskmill serve` on a free port. `prefix` goes before the command, `settings` into its environment."""
    data.mkdir(parents=True, exist_ok=True)
    log, env = data / "serve.log", environment(data, **settings)
    command = [*prefix, MASKMILL, "serve", "--port", "0", "--no-browser", *options]
    with process(command, env, log) as started:
        servers.wait_until(lambda: _address(log, started) is not None, f"an address in {log}", 240)
        found = _address(log, started)
        assert found is not None
        yield Server(found[0], found[1], env, log, started.pid)


def _address(log: Path, started: subprocess.Popen[bytes]) -> re.Match[str] | None:
    text = log.read_text(encoding="utf-8", errors="replace")
    if started.poll() is not None:
        raise RuntimeError(f"maskmill serve ended with {started.returncode}:\n{text[-3000:]}")
    return ADDRESS.search(text)


@contextmanager
def embedded() -> Iterator[Server]:
    """Everything in one directory: what `./run` starts."""
    with (
        tempfile.TemporaryDirectory(prefix="maskmill-e2e-") as folder,
        serving(Path(folder) / "data", "--no-demo") as server,
    ):
        yield server


@contextmanager
def distributed() -> Iterator[Server]:
    """PostgreSQL, Redis, an S3 server and a worker of its own; API and worker share nothing but these."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskmill-e2e-")))
        database = stack.enter_context(servers.postgres()).database()
        broker = stack.enter_context(servers.redis_broker())
        endpoint = stack.enter_context(servers.s3_server())
        bucket = servers.bucket(endpoint, "maskmill")
        settings = {
            "MASKMILL_DATABASE_URL": database,
            "MASKMILL_BROKER_URL": broker,
            "MASKMILL_STORAGE_URL": bucket,
        }
        for_worker = environment(folder / "worker", **settings)
        (folder / "worker").mkdir()
        subprocess.run([MASKMILL, "migrate"], env=for_worker, check=True, capture_output=True, timeout=120)
        stack.enter_context(process([MASKMILL, "worker"], for_worker, folder / "worker.log"))
        yield stack.enter_context(serving(folder / "api", "--no-demo", **settings))
