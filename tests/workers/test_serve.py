"""`maskmill serve` on one machine: one line, its children, one server a directory, a clean end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers
from tests.faults.rig import READY, Client, Process, environment, lives

SERVE = ["serve", "--port", "0", "--no-browser", "--no-demo"]


@pytest.fixture
def told(tmp_path: Path, tiny_release: Path) -> dict[str, str]:
    return environment(tmp_path / "data", release_dir=str(tiny_release), job_resend_seconds="2")


def worker_alive(client: Client) -> bool:
    return bool(client.call("GET", "/api/health")["worker"]["alive"])


def test_a_server_its_children_and_its_end(told: dict[str, str], tmp_path: Path) -> None:
    server = Process(SERVE, told, tmp_path / "log")
    client = Client(server)
    servers.wait_until(lambda: worker_alive(client), "a living worker")
    maps = Path(f"/proc/{server.id}/maps")
    if maps.exists():
        loaded = maps.read_text()
        assert "libtorch" not in loaded
        assert "_pydantic_core" in loaded, "the file names what is loaded"

    second = Process(SERVE, told, tmp_path / "second")
    servers.wait_until(lambda: not second.alive(), "the second server's refusal")
    assert "already serves" in second.said()
    assert second.stop() == 1

    children = server.children()
    for child in children:
        os.kill(child, signal.SIGKILL)
    servers.wait_until(lambda: len(set(server.children()) - set(children)) == len(children), "new children")
    children = server.children()

    started = time.monotonic()
    assert server.stop() == 0
    print(f"\nstopped in {time.monotonic() - started:.1f} s")
    assert not any(lives(child) for child in children)

    started = time.monotonic()
    server = Process(SERVE, told, tmp_path / "log")
    client = Client(server)
    print(f"the second start answers after {time.monotonic() - started:.1f} s at load {os.getloadavg()[0]:.0f}")
    children = server.children()
    server.kill()
    servers.wait_until(lambda: not any(lives(child) for child in children), "the children's end", 5)


def test_standard_output_is_one_line(told: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        command = [sys.executable, "-m", "backend.main", *SERVE]
        process = subprocess.Popen(command, env=told, stdout=out, stderr=err)
    try:
        servers.wait_until(lambda: b"ready" in (tmp_path / "out").read_bytes(), "the line", 60)
        time.sleep(3)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    said = (tmp_path / "out").read_text()
    assert READY.search(said)
    assert said.startswith("Maskmill is ready: http://127.0.0.1:")
    assert said.count("\n") == 1
    assert process.returncode == 0


def test_a_port_that_is_taken_is_said_so(told: dict[str, str], tmp_path: Path) -> None:
    with servers.taken_port() as port:
        server = Process(["serve", "--port", str(port), "--no-browser"], told, tmp_path / "log")
        servers.wait_until(lambda: not server.alive(), "the refusal")
    assert "--port 0" in server.said()
    assert server.said().count("\n") == 1
    assert server.stop() == 1
    assert not (tmp_path / "data" / "maskmill.db").exists()


def test_help_and_migrate(told: dict[str, str], tmp_path: Path) -> None:
    for arguments, expected in ((["--help"], "serve"), (["migrate"], "revision"), (["migrate"], "revision")):
        command = [sys.executable, "-m", "backend.main", *arguments]
        done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_an_absent_database_is_one_line(told: dict[str, str], tmp_path: Path) -> None:
    away = {**told, "MASKMILL_DATABASE_URL": f"postgresql://nobody@127.0.0.1:{servers.free_port()}/nothing"}
    for arguments in (SERVE, ["migrate"]):
        command = [sys.executable, "-m", "backend.main", *arguments]
        done = subprocess.run(command, env=away, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 1
        assert "the database does not answer" in done.stderr
        assert "Traceback" not in done.stderr
