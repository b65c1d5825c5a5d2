"""The queues of audits and ratings against a reference model: any order of taking, handing in, giving back, leases that
run out and closing (reliability.md A3)."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select, update

from backend.db.models import AuditItem, Rating, RatingItem
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import audits, rating_reports, ratings
from backend.settings import Settings
from backend.uow import UnitOfWork
from tests import make

TEMPLATE: list[Path] = []
ENTRIES = 3
PEOPLE = st.integers(0, 2)
PLACES = st.integers(0, ENTRIES - 1)
FEW = settings(
    max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@pytest.fixture(autouse=True)
def template(sqlite_template: Path) -> None:
    """Hypothesis makes its machines itself, so the migrated database is handed over here."""
    TEMPLATE[:] = [sqlite_template]


@dataclass
class Entry:
    """What the reference model knows of one entry, in the order of the queue."""

    id: str
    holder: int | None = None
    expired: bool = False
    handed_in: dict[int, int] = field(default_factory=dict)  # what each person said

    def free_for(self, person: int) -> bool:
        return self.holder in (None, person) or self.expired


class Queue(RuleBasedStateMachine):
    """The rules that both queues share; `wanted` people hand in each entry."""

    wanted: int
    table: Any
    may_change: bool  # one's own answer, later

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(TEMPLATE[0], self.folder / "maskmill.db")
        self.runtime = Runtime.from_settings(Settings(data_dir=self.folder), send=lambda wakes: None)
        with self.runtime.write() as uow:
            rows = [make.actor(uow, name=name) for name in ("Ada", "Bob", "Cy")]
            self.people = [row.id for row in rows]
            project, machine = make.project(uow), make.actor(uow, kind="model")
            for _ in range(ENTRIES):
                image = make.image(uow, project)
                make.annotation(uow, image, machine, source="automatic", state="proposed")
                make.annotation(uow, image, rows[0], area=ratings.ratings.SMALLEST_AREA)
        self.queue_id = self.started(project.id)
        with self.runtime.read() as session:
            ids = session.scalars(select(self.table.id).order_by(self.table.position)).all()
        self.entries = [Entry(name) for name in ids]
        assert len(self.entries) == ENTRIES
        self.open = True

    def teardown(self) -> None:
        self.runtime.close()
        shutil.rmtree(self.folder)

    def started(self, project_id: str) -> str:
        raise NotImplementedError

    def next_entry(self, uow: UnitOfWork, actor_id: str) -> dict[str, Any] | None:
        raise NotImplementedError

    def answer(self, entry_id: str, actor_id: str, value: int) -> None:
        raise NotImplementedError

    def give_back(self, uow: UnitOfWork, entry_id: str, actor_id: str) -> None:
        raise NotImplementedError

    def end(self, uow: UnitOfWork) -> None:
        raise NotImplementedError

    @rule(person=PEOPLE)
    def take(self, person: int) -> None:
        left = [entry for entry in self.entries if len(entry.handed_in) < self.wanted]
        left = [entry for entry in left if person not in entry.handed_in and entry.free_for(person)]
        expected = min(left, key=lambda entry: entry.holder != person, default=None) if self.open else None
        with self.runtime.write() as uow:
            taken = self.next_entry(uow, self.people[person])
        assert (taken and taken["id"]) == (expected and expected.id)
        if expected is not None:
            expected.holder, expected.expired = person, False

    @rule(person=PEOPLE, place=PLACES, value=st.integers(1, 2))
    def hand_in(self, person: int, place: int, value: int) -> None:
        entry = self.entries[place]
        held = self.open and entry.holder == person
        said = entry.handed_in.get(person)
        changes = self.open and said is not None if self.may_change else said == value
        try:
            self.answer(entry.id, self.people[person], value)
        except Conflict:
            assert not held and not changes
            return
        assert held or changes
        if held:
            entry.holder, entry.expired = None, False
        entry.handed_in[person] = value

    @rule(person=PEOPLE, place=PLACES)
    def let_go(self, person: int, place: int) -> None:
        entry = self.entries[place]
        with self.runtime.write() as uow:
            self.give_back(uow, entry.id, self.people[person])
        if entry.holder == person:
            entry.holder, entry.expired = None, False

    @rule(place=PLACES)
    def the_lease_runs_out(self, place: int) -> None:
        held = (self.table.id == self.entries[place].id, self.table.lease_expires_at.is_not(None))
        with self.runtime.write() as uow:
            uow.session.execute(update(self.table).where(*held).values(lease_expires_at=make.long_ago()))
        self.entries[place].expired = self.entries[place].holder is not None

    @precondition(lambda self: any(entry.handed_in for entry in self.entries))
    @rule()
    def close(self) -> None:
        with self.runtime.write() as uow:
            self.end(uow)
        self.open = False


class Audits(Queue):
    wanted, table, may_change = 1, AuditItem, False
    answers = {1: "0l1Td4", 2: None}  # noqa: RUF012 - never changed

    def started(self, project_id: str) -> str:
        return audits.create(self.runtime, project_id, self.people[0], ENTRIES)

    def next_entry(self, uow: UnitOfWork, actor_id: str) -> dict[str, Any] | None:
        return audits.next_entry(uow, self.queue_id, actor_id)

    def answer(self, entry_id: str, actor_id: str, value: int) -> None:
        assert audits.correct(self.runtime, entry_id, actor_id, self.answers[value], 1) == (value == 1)

    def give_back(self, uow: UnitOfWork, entry_id: str, actor_id: str) -> None:
        audits.release(uow, entry_id, actor_id)

    def end(self, uow: UnitOfWork) -> None:
        audits.close(uow, self.queue_id)

    @invariant()
    def the_report_counts_what_was_handed_in(self) -> None:
        with self.runtime.read() as session:
            report = audits.report(session, self.queue_id)
        values = [value for entry in self.entries for value in entry.handed_in.values()]
        assert report["done_count"] == len(values)
        assert report["figures"][0]["value"] == (values.count(1) / len(values) if values else None)
        held = [entry for entry in self.entries if entry.holder is not None and not entry.expired]
        assert report["leased_count"] == len(held)


class Ratings(Queue):
    wanted, table, may_change = 2, RatingItem, True

    def started(self, project_id: str) -> str:
        draft = ratings.Draft("R", "stored", ("people",), ENTRIES, raters_per_mask=self.wanted)
        return ratings.create(self.runtime, project_id, self.people[0], draft)

    def next_entry(self, uow: UnitOfWork, actor_id: str) -> dict[str, Any] | None:
        return ratings.next_mask(uow, self.queue_id, actor_id)

    def answer(self, entry_id: str, actor_id: str, value: int) -> None:
        with self.runtime.write() as uow:
            ratings.rate(uow, entry_id, actor_id, value, 1)

    def give_back(self, uow: UnitOfWork, entry_id: str, actor_id: str) -> None:
        ratings.release(uow, entry_id, actor_id)

    def end(self, uow: UnitOfWork) -> None:
        ratings.close(uow, self.queue_id)

    @invariant()
    def the_ratings_are_what_was_handed_in(self) -> None:
        with self.runtime.read() as session:
            report = rating_reports.report(session, self.queue_id)
            found = {(row.rating_item_id, row.actor_id): row.score for row in session.scalars(select(Rating))}
            counted = dict(session.execute(select(RatingItem.id, RatingItem.rated_count)).all())
        expected = {
            (entry.id, self.people[person]): value
            for entry in self.entries
            for person, value in entry.handed_in.items()
        }
        assert found == expected and report["rating_count"] == len(expected)
        assert counted == {entry.id: len(entry.handed_in) for entry in self.entries}


TestAudits = Audits.TestCase
TestAudits.settings = FEW
TestRatings = Ratings.TestCase
TestRatings.settings = FEW
