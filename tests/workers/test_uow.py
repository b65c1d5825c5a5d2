"""The unit of work: one commit, readers that never wait, writers that queue up, events in the order of commits."""

import datetime as dt
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend.db.models import Category, Event, Project
from backend.errors import Invalid, Unavailable
from backend.runtime import Runtime
from backend.services import events
from tests import make


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work(number)` in `count` threads at once; what they raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - the test looks at every error
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_many_writers_and_no_lock_error(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        project = make.project(uow)

    def write(number: int) -> None:
        for turn in range(10):
            with any_runtime.write() as uow:
                count = uow.session.scalar(select(func.count()).select_from(Category))
                uow.session.add(Category(project_id=project.id, name=f"{number}.{turn}", position=count or 0))
                uow.emit("category.changed", project.id, str(number))

    started = time.monotonic()
    assert in_threads(24, write) == []
    print(f"{240 / (time.monotonic() - started):.0f} transactions a second on {any_runtime.engine.dialect.name}")
    with any_runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Category)) == 240
        assert len(events.after(session, 0, project.id, limit=1000)) == 240


def test_two_processes_worth_of_writers(runtime: Runtime) -> None:
    """Web server and worker have a lock each; between them SQLite's own waiting has to do."""
    other = Runtime.from_settings(runtime.settings, send=lambda wakes: None)
    with runtime.write() as uow:
        project = make.project(uow)

    def write(number: int) -> None:
        for turn in range(10):
            with (runtime if number % 2 else other).write() as uow:
                uow.session.add(Category(project_id=project.id, name=f"{number}.{turn}"))

    assert in_threads(16, write) == []
    other.close()
    with runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Category)) == 160


def test_readers_do_not_wait_for_a_writer(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        make.project(uow, name="committed")
    with any_runtime.write() as uow:
        make.project(uow, name="not yet")
        started = time.monotonic()
        errors = in_threads(8, lambda number: _expect_names(any_runtime, ["committed"]))
        assert errors == []
        assert time.monotonic() - started < 2
    _expect_names(any_runtime, ["committed", "not yet"])


def _expect_names(runtime: Runtime, names: list[str]) -> None:
    with runtime.read() as session:
        assert sorted(session.scalars(select(Project.name))) == names


def test_a_read_cannot_write(any_runtime: Runtime) -> None:
    with pytest.raises((DBAPIError, Unavailable)), any_runtime.read() as session:
        session.add(Project(name="by a reader"))
        session.flush()
    _expect_names(any_runtime, [])
    with any_runtime.write() as uow:
        make.project(uow, name="by a writer")


def test_a_write_inside_a_write_is_a_defect(runtime: Runtime) -> None:
    with pytest.raises(RuntimeError, match="inside another"), runtime.write(), runtime.write():
        pass
    with runtime.write() as uow:
        make.project(uow, name="the lock is free again")


def test_foreign_keys_hold(any_runtime: Runtime) -> None:
    with pytest.raises(DBAPIError), any_runtime.write() as uow:
        uow.session.add(Category(project_id="nowhere", name="lost"))


def test_a_reader_of_events_misses_none(any_runtime: Runtime) -> None:
    """Follow the table while many writers commit: every event is seen once, in increasing order."""
    seen: list[int] = []
    over = threading.Event()

    def follow() -> None:
        while True:
            ended = over.is_set()
            with any_runtime.read() as session:
                found = events.after(session, seen[-1] if seen else 0, limit=7)
            seen.extend(event.id for event in found)
            if ended and not found:
                return

    reader = threading.Thread(target=follow)
    reader.start()

    def write(number: int) -> None:
        for turn in range(10):
            with any_runtime.write() as uow:
                uow.emit("project.changed", None, f"{number}.{turn}")
                uow.emit("project.changed", None, f"{number}.{turn} again")

    errors = in_threads(12, write)
    over.set()
    reader.join()
    assert errors == []
    with any_runtime.read() as session:
        assert seen == list(session.scalars(select(Event.id).order_by(Event.id)))
    assert len(seen) == 240


def test_listeners_hear_of_commits_with_events_only(runtime: Runtime) -> None:
    heard: list[int] = []
    runtime.listeners.append(lambda: heard.append(1))
    with runtime.write() as uow:
        make.project(uow)
    with pytest.raises(ZeroDivisionError), runtime.write() as uow:
        uow.emit("project.changed", None, "1")
        raise ZeroDivisionError
    assert not heard
    with runtime.write() as uow:
        uow.emit("project.changed", None, "1")
    assert heard == [1]


def test_times_are_the_databases_and_utc(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        project = make.project(uow)
        before = project.created_at
        assert abs((uow.now() - before).total_seconds()) < 5
    time.sleep(0.01)
    with any_runtime.write() as uow:
        again = uow.session.get_one(Project, project.id)
        again.name = "renamed"
        uow.session.flush()
        assert again.changed_at > again.created_at == before
        assert again.changed_at.utcoffset() is not None


def test_a_read_sees_one_state_from_its_first_query_to_its_last(any_runtime: Runtime) -> None:
    def names(session: Session) -> list[str]:
        return list(session.scalars(select(Project.name).order_by(Project.name)))

    with any_runtime.read() as session:
        before = names(session)
        with any_runtime.write() as uow:
            uow.session.add(Project(name="meanwhile"))
        assert names(session) == before
    with any_runtime.read() as session:
        assert names(session) == [*before, "meanwhile"]


@pytest.mark.parametrize("any_runtime", ["postgresql"], indirect=True)
def test_text_that_the_database_cannot_hold_is_the_callers_mistake(any_runtime: Runtime) -> None:
    with pytest.raises(Invalid, match="hold") as refused, any_runtime.read() as session:
        session.get(Project, "a\0b")
    assert refused.value.code == "bad_value"
    with any_runtime.read() as session:
        assert session.get(Project, "ab") is None


def test_a_read_sees_one_picture(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        make.project(uow, name="first")
    with any_runtime.read() as session:
        assert len(session.scalars(select(Project)).all()) == 1
        assert in_threads(1, lambda number: _add_project(any_runtime)) == []
        assert len(session.scalars(select(Project)).all()) == 1
    _expect_names(any_runtime, ["first", "second"])


def _add_project(runtime: Runtime) -> None:
    with runtime.write() as uow:
        make.project(uow, name="second")


def test_old_events_go_and_ids_go_on(any_runtime: Runtime) -> None:
    for number in range(3):
        with any_runtime.write() as uow:
            uow.emit("project.changed", None, str(number))
    with any_runtime.write() as uow:
        newest = events.latest_id(uow.session)
        uow.session.execute(update(Event).values(created_at=make.long_ago()))
        assert events.forget(uow, dt.timedelta(days=2)) == 0
        assert events.forget(uow, dt.timedelta(hours=1)) == 2
    with any_runtime.write() as uow:
        uow.emit("project.changed", None, "next")
    with any_runtime.read() as session:
        assert [event.id for event in events.after(session, 0)] == [newest, newest + 1]
