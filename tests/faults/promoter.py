"""What processes do that are killed while the active model version moves; each is forked from one that imported all."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any, Literal

from sqlalchemy import Engine, event
from sqlalchemy.orm import configure_mappers

from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import promotions, rollbacks
from backend.settings import Settings
from workers import handlers
from workers.here import perform_due
from workers.job import perform

assert handlers.__all__
configure_mappers()  # once, not in every fork
KILLED = -signal.SIGKILL
When = Literal["before", "at the commit", "after"]
Moment = int | tuple[str, When] | None


def in_a_process(settings: Settings, act: Callable[..., None], moment: Moment, *arguments: Any) -> int:
    """Lets a process of its own act and kills it at the moment; its exit status.

    A number counts statements and commits of its database from 1; a text is part of a statement, and the process dies
    before it, or right before or after the commit of what it was part of.
    """
    process = start(settings, act, moment, *arguments)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def start(settings: Settings, act: Callable[..., None], moment: Moment, *arguments: Any) -> Any:
    """The process of :func:`in_a_process`, begun."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    told = (str(settings.data_dir), settings.database_url)
    process = context.Process(target=_run, args=(told, act, moment, arguments))
    process.start()
    return process


def _run(told: tuple[str, str], act: Callable[..., None], moment: Moment, arguments: tuple[Any, ...]) -> None:
    runtime = Runtime.from_settings(Settings(data_dir=told[0], database_url=told[1]), send=lambda wakes: None)
    if isinstance(moment, int):
        _kill_at(runtime.engine, moment)
    elif moment is not None:
        _kill_when(runtime.engine, *moment)
    act(runtime, *arguments)
    runtime.close()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_at(engine: Engine, count: int) -> None:
    seen = itertools.count(1)

    def step(*_: Any) -> None:
        if next(seen) == count:
            _die()

    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)


def _kill_when(engine: Engine, text: str, when: When) -> None:
    state = {"seen": False, "over": False}

    def statement(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        if state["over"] or (text in sql and when == "before"):
            _die()
        state["seen"] = state["seen"] or text in sql

    def commit(*_: Any) -> None:
        if state["seen"] and when == "at the commit":
            _die()
        state["over"] = state["seen"]

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)


def promote(runtime: Runtime, round_id: str) -> None:
    """As the page does it."""
    with runtime.write() as uow:
        row = promotions.promote(uow, round_id, None)
    promotions.follow(runtime, row.id)


def roll_back(runtime: Runtime, project_id: str) -> None:
    """As the page does it; then a worker's job."""
    with runtime.write() as uow:
        row = rollbacks.rollback(uow, project_id, None, "worse")
    promotions.follow(runtime, row.id)
    perform_due(runtime)


def to_and_fro(runtime: Runtime, project_id: str, round_ids: list[str]) -> None:
    """Promotes every round that is left, and rolls back after each."""
    for round_id in round_ids:
        try:
            promote(runtime, round_id)
        except Conflict as done:
            assert done.code == "not_judged"
            continue
        roll_back(runtime, project_id)


def perform_one(runtime: Runtime, job_id: str) -> None:
    """One job, as a worker does it."""
    perform(runtime, job_id)
