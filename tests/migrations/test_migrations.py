"""The history leads to the models' schema, back and forth, on both databases, whoever else migrates meanwhile."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, bindparam, inspect, text
from sqlalchemy.exc import IntegrityError

import migrations
from backend.db.models import Annotation, Assignment, Base, Category, Project, Round
from backend.db.session import engine_from_url
from backend.engine.effort import clicks
from backend.errors import Unavailable
from backend.runtime import Runtime
from backend.settings import Settings
from tests import make, servers


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


FIRST_ROWS = [
    "INSERT INTO actor (id, kind, name, state) VALUES ('a', 'person', 'Ada', 'active')",
    "INSERT INTO model_version (id, name, version, digest, encoder_digest, manifest, state)"
    " VALUES ('v', 'tiny', '1', 'd', 'e', '{}', 'active')",
    "INSERT INTO project (id, name, description, stage, active_version_id, state, revision)"
    " VALUES ('p', 'Streets', '', 'assisted_manual', 'v', 'active', 1)",
    "INSERT INTO image (id, project_id, file_name, media_type, byte_size, file_digest, group_key, position, state)"
    " VALUES ('i', 'p', 'a.png', 'image/png', 1, 'f', 'f', 0, 'queued')",
    "INSERT INTO assignment (id, image_id, actor_id, state, complete) VALUES ('s', 'i', 'a', 'done', {true})",
    *[
        "INSERT INTO annotation (id, project_id, image_id, supersedes_id, actor_id, model_version_id, source, state,"
        " revision, height, width, counts, area, box_x, box_y, box_w, box_h, prompts, attributes, active_seconds,"
        f" wall_seconds, brush_edits) VALUES ('{key}', 'p', 'i', {before}, 'a', 'v', 'click', '{state}', 2, 60, 80,"
        " '0l1Td4', 60, 0, 0, 1, 60, '[]', '{}', 1.5, 2.5, 3)"
        for key, before, state in (("m1", "NULL", "superseded"), ("m2", "'m1'", "accepted"))
    ],
]


def _rows(engine: Engine, columns: dict[str, list[str]]) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table: [
                tuple(row) for row in connection.execute(text(f"SELECT {', '.join(names)} FROM {table} ORDER BY id"))
            ]
            for table, names in columns.items()
        }


def test_rows_of_the_first_schema_live_through_the_second_and_back(engine: Engine) -> None:
    migrations.upgrade(engine, "0001")
    with engine.begin() as connection:
        for statement in FIRST_ROWS:
            connection.execute(text(statement.replace("{true}", "1" if engine.dialect.name == "sqlite" else "true")))
    found = inspect(engine)
    columns = {name: [column["name"] for column in found.get_columns(name)] for name in found.get_table_names()}
    columns = {name: names for name, names in columns.items() if "id" in names}
    before = _rows(engine, columns)
    assert len(before["annotation"]) == 2 and len(before["assignment"]) == 1

    migrations.upgrade(engine)
    assert _rows(engine, columns) == before
    with engine.begin() as connection:
        made = connection.execute(text("SELECT stage, generation_id, flag FROM annotation")).all()
        assert set(made) == {("assisted_manual", None, None)}
        connection.execute(
            text("UPDATE annotation SET source = 'detector', flag = 'thin', state = 'withdrawn' WHERE id = 'm2'")
        )
        connection.execute(text("UPDATE model_version SET state = 'candidate'"))

    migrations.downgrade(engine, "0001")
    after = _rows(engine, columns)
    source, state = (columns["annotation"].index(name) for name in ("source", "state"))
    said = [(row[source], row[state]) for row in after["annotation"]]
    assert said == [("click", "superseded"), ("automatic", "rejected")]
    assert after["model_version"][0][columns["model_version"].index("state")] == "withdrawn"
    unchanged = {"project", "image", "assignment", "actor"}
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    for column in ("source = 'detector'", "state = 'withdrawn'", "area = -1"):
        wrong = f"UPDATE annotation SET {column}"
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(wrong))


PROMPTS = [
    {"kind": "box", "x0": 1.0, "y0": 1.0, "x1": 5.0, "y1": 5.0, "at_ms": 0},
    *[{"kind": "point", "x": 2.0, "y": 2.0, "label": label, "at_ms": 9} for label in (1, 0, -1, 2)],
    {"kind": "mask"},
]


def test_clicks_of_older_annotations_are_counted_from_their_prompts(engine: Engine) -> None:
    migrations.upgrade(engine, "0003")
    with engine.begin() as connection:
        for statement in FIRST_ROWS:
            insert = statement.replace(" source, state,", " stage, source, state,")
            insert = insert.replace(" 'click', '", " 'assisted_manual', 'click', '")
            insert = insert.replace("{true}", "1" if engine.dialect.name == "sqlite" else "true")
            connection.execute(text(insert))
        kept = text("UPDATE annotation SET prompts = :told WHERE id = 'm2'").bindparams(
            bindparam("told", PROMPTS, Annotation.__table__.c.prompts.type)
        )
        connection.execute(kept)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id, clicks FROM annotation ORDER BY id")).all()
    assert [tuple(row) for row in found] == [("m1", 0), ("m2", clicks(PROMPTS))]


def test_an_image_is_leased_once_and_a_project_has_one_running_round(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        ada, bob = make.actor(uow), make.actor(uow, name="Bob")
        project = make.project(uow)
        image = make.image(uow, project)
        held = {"image_id": image.id, "state": "leased", "lease_expires_at": uow.now()}
        uow.session.add_all([Assignment(actor_id=ada.id, **held), Assignment(image_id=image.id, actor_id=bob.id)])
        uow.session.add(Round(project_id=project.id, number=1, state="training", trigger="admin", policy={}))
        uow.session.add(Round(project_id=project.id, number=2, state="judged", trigger="admin", policy={}))
        ids = {"p": project.id, "b": bob.id}
    for wrong in (
        "UPDATE assignment SET state = 'leased', lease_expires_at = created_at WHERE actor_id = :b",
        "UPDATE assignment SET state = 'leased' WHERE actor_id = :b",
        "UPDATE round SET state = 'evaluating' WHERE project_id = :p AND number = 2",
    ):
        with pytest.raises(IntegrityError), any_runtime.write() as uow:
            uow.session.execute(text(wrong), ids)


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
