"""What every test can ask for. The database is real: SQLite cloned from a migrated template, PostgreSQL likewise."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import psycopg
import pytest

import migrations
from backend.db.session import engine_from_url
from backend.runtime import Runtime
from backend.settings import Settings
from backend.uow import Wake
from tests import servers
from tests.releases import write_exported_release, write_tiny_release


class Sent(list[Wake]):
    """Messages that would have gone to the broker."""

    def __call__(self, wakes: object) -> None:
        self.extend(cast("list[Wake]", wakes))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests do not leak in."""
    for name in os.environ:
        if name.startswith("MASKMILL_") and name != "MASKMILL_CHROMIUM":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "maskmill.db"
    engine = engine_from_url(f"sqlite:///{path}")
    migrations.upgrade(engine)
    engine.dispose()  # The last connection that closes brings the write-ahead log into the file.
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Postgres]:
    try:
        with servers.postgres() as server:
            yield server
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: servers.Postgres) -> str:
    """The name of a migrated database to copy from."""
    url = postgres_server.database()
    engine = engine_from_url(url.replace("postgresql://", "postgresql+psycopg://"))
    migrations.upgrade(engine)
    engine.dispose()
    return url.rpartition("/")[2]


@pytest.fixture
def postgres_url(postgres_server: servers.Postgres, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    url = postgres_server.database(postgres_template)
    yield url
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")  # type: ignore[arg-type]  # our own name


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of this test's own, so that it may be flushed or stopped."""
    try:
        with servers.redis_broker() as url:
            yield url
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with servers.s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_url(s3_endpoint: str, request: pytest.FixtureRequest) -> str:
    """The storage address of an empty bucket."""
    return servers.bucket(s3_endpoint, f"b{abs(hash(request.node.nodeid)):x}")


@pytest.fixture(scope="session")
def tiny_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real model release that encodes an image in milliseconds."""
    return write_tiny_release(tmp_path_factory.mktemp("release") / "tiny")


@pytest.fixture(scope="session")
def exported_release(tmp_path_factory: pytest.TempPathFactory, tiny_release: Path) -> Path:
    """Almost `tiny_release`, with a decoder graph that runs; never to be changed, since all processes share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return write_exported_release(shared / "exported", tiny_release)


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Embedded mode in a directory of this test's own, its database migrated."""
    folder = tmp_path / "maskmill"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "maskmill.db")
    return Settings(data_dir=folder)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def runtime(settings: Settings, sent: Sent) -> Iterator[Runtime]:
    """Embedded mode without a broker: messages land in `sent`."""
    made = Runtime.from_settings(settings, send=sent)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_runtime(request: pytest.FixtureRequest, settings: Settings, sent: Sent) -> Iterator[Runtime]:
    """As `runtime`, once on each database."""
    if request.param == "postgresql":
        settings = Settings(data_dir=settings.data_dir, database_url=request.getfixturevalue("postgres_url"))
    made = Runtime.from_settings(settings, send=sent)
    yield made
    made.close()
