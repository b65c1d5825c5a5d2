"""The history leads to the models' schema, back and forth, on both databases, whoever else migrates meanwhile."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, inspect, text
from sqlalchemy.exc import IntegrityError

import migrations
from backend.db.models import Base, Category, Project
from backend.db.session import engine_from_url
from backend.errors import Unavailable
from backend.settings import Settings
from tests import servers


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    if request.param == "postgresql":
        server: servers.Postgres = request.getfixturevalue("postgres_server")
        url = Settings(data_dir=tmp_path, database_url=server.database()).database_url
    made = engine_from_url(url)
    yield made
    made.dispose()


def test_upgrade_gives_the_schema_of_the_models(engine: Engine) -> None:
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.HEAD
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []


def test_checks_and_defaults_are_there(engine: Engine) -> None:
    """Alembic's comparison does not look at these."""
    migrations.upgrade(engine)
    found = inspect(engine)
    for table in Base.metadata.sorted_tables:
        checks = {check["name"] for check in found.get_check_constraints(table.name)}
        assert checks == {check.name for check in table.constraints if isinstance(check, CheckConstraint)}, table.name
        defaults = {column["name"] for column in found.get_columns(table.name) if column["default"]}
        assert defaults >= {column.name for column in table.columns if column.server_default is not None}, table.name


def test_down_and_up_again(engine: Engine) -> None:
    migrations.upgrade(engine)
    migrations.downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_five_at_once_migrate_once(engine: Engine) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        own = engine_from_url(engine.url.render_as_string(hide_password=False))
        try:
            migrations.upgrade(own)
        except BaseException as error:  # noqa: BLE001 - the test looks at every error
            errors.append(error)
        own.dispose()

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert migrations.current(engine) == migrations.HEAD


def test_rows_are_held_to_the_rules(engine: Engine) -> None:
    migrations.upgrade(engine)
    insert = text(
        "INSERT INTO project (id, name, description, stage, state, revision) VALUES (:id, 'p', '', :s, 'active', 1)"
    )
    with engine.begin() as connection:
        connection.execute(insert, {"id": "1", "s": "assisted_manual"})
        created = connection.execute(Project.__table__.select()).one().created_at
        assert created.utcoffset() is not None
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert, {"id": "2", "s": "no such stage"})
    for values in ({"project_id": "nowhere", "colour": 1}, {"project_id": "1", "colour": 12}):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            row = {"id": "1", "name": "cat", "supercategory": "", "position": 0, "state": "active", **values}
            connection.execute(Category.__table__.insert(), row)  # type: ignore[attr-defined]  # a Table, as always


def test_a_database_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="newer Maskmill"):
        migrations.upgrade(engine)
    assert migrations.current(engine) == "9999"


def test_a_migration_that_breaks_references_is_rolled_back(tmp_path: Path) -> None:
    """PostgreSQL checks at once; SQLite's checks are off while tables are made anew."""
    engine = engine_from_url(f"sqlite:///{tmp_path / 'empty.db'}")
    migrations.upgrade(engine)
    lost = "INSERT INTO category (id, project_id, name, supercategory, colour, position, state) VALUES "
    with pytest.raises(RuntimeError, match="1 references"), migrations._alone(engine) as connection:
        connection.execute(text(lost + "('1', 'nowhere', 'cat', '', 0, 0, 'active')"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM category")).scalar() == 0
    engine.dispose()


def test_there_is_one_head_and_it_is_the_one_that_start_up_compares_with() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]
