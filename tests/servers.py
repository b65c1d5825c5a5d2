"""Real servers for tests, each started by the test run on a private port or socket and stopped by it."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from tests.programs import postgres_bin, redis_server


class Missing(RuntimeError):
    """The machine has not got the program; the test is skipped and says so."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def wait_until(ready: Callable[[], bool], what: str, timeout_seconds: float = 30.0) -> None:
    end = time.monotonic() + timeout_seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout_seconds} s")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Postgres:
    """One cluster for the test run; `database()` gives an empty database of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def database(self, template: str = "template1") -> str:
        """The address of a new database, copied from `template`."""
        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"')  # type: ignore[arg-type]  # our own names
        return self.url(name)


@contextmanager
def postgres() -> Iterator[Postgres]:
    programs = postgres_bin()
    if programs is None:
        raise Missing("PostgreSQL (initdb, postgres) is not installed")
    folder = Path(tempfile.mkdtemp(prefix="maskmill-pg-"))
    cluster, port = folder / "cluster", free_port()
    become: list[str] = []
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        become = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    setup = [*become, str(programs / "initdb"), "-D", str(cluster), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*setup, "--no-sync"], check=True, capture_output=True, cwd=folder)
    options = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "max_connections=200",
    ]
    command = [*become, str(programs / "postgres"), "-D", str(cluster), "-p", str(port), *options]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    found = Postgres(port)
    try:
        wait_until(lambda: _answers_postgres(found, server, folder), "PostgreSQL")
        yield found
    finally:
        server.send_signal(2)  # SIGINT: fast shutdown, without waiting for clients
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _answers_postgres(server: Postgres, process: subprocess.Popen[bytes], folder: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError((folder / "log").read_text()[-2000:])
    try:
        psycopg.connect(server.url("postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def redis_broker(port: int | None = None) -> Iterator[str]:
    """The address of an empty Redis that keeps nothing on disk."""
    port = port or free_port()
    program = redis_server()
    if program is None:
        raise Missing("redis-server is not installed")
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            wait_until(lambda: _answers_redis(client), "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        stop(server)


def _answers_redis(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of an S3 server that speaks real HTTP and keeps everything in memory."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), "the S3 server")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(server)


def bucket(endpoint: str, name: str) -> str:
    """Make an empty bucket; the storage address of a folder in it."""
    create = urllib.request.Request(f"{endpoint}/{name}", method="PUT")  # noqa: S310 the server started above
    urllib.request.urlopen(create).close()  # noqa: S310 same
    return f"s3://{name}/maskmill?endpoint={endpoint}&access_key_id=test&secret_access_key=test"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
