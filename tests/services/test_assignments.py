"""Leases of images beside a small reference: any history of people taking, leaving and completing images."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select, update

from backend.db.models import Assignment
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import assignments, images
from backend.settings import Settings
from tests import make

TEMPLATE: list[Path] = []
PEOPLE = st.integers(0, 2)
IMAGES = st.integers(0, 3)


@pytest.fixture(autouse=True)
def template(sqlite_template: Path) -> None:
    """Hypothesis makes its machines itself, so the migrated database is handed over here."""
    TEMPLATE[:] = [sqlite_template]


@dataclass
class Reference:
    """What must hold: who holds which image, what is complete, and who skipped what."""

    holder: dict[int, int] = field(default_factory=dict)
    complete: dict[int, set[int]] = field(default_factory=dict)
    skipped: set[tuple[int, int]] = field(default_factory=set)

    def leave(self, image: int, person: int, skip: bool) -> None:
        held = self.holder.get(image) == person
        if held:
            del self.holder[image]
        if skip and (held or person not in self.complete.get(image, set())):
            self.skipped.add((person, image))

    def take(self, image: int, person: int) -> None:
        self.holder[image] = person
        self.skipped.discard((person, image))

    def next_of(self, person: int, after: int | None) -> int | None:
        order = range(4) if after is None else [*range(after + 1, 4), *range(after)]
        free = (
            image
            for image in order
            if image not in self.holder and not self.complete.get(image) and (person, image) not in self.skipped
        )
        return next(free, None)


class Leases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(TEMPLATE[0], self.folder / "maskmill.db")
        self.runtime = Runtime.from_settings(Settings(data_dir=self.folder), send=lambda wakes: None)
        with self.runtime.write() as uow:
            project = make.project(uow)
            self.project_id = project.id
            self.images = [make.image(uow, project, position=place).id for place in range(4)]
            make.image(uow, project, state="queued", position=0)
            self.people = [make.actor(uow, name=name).id for name in ("Ada", "Bob", "Cleo")]
        self.reference = Reference()

    def teardown(self) -> None:
        self.runtime.close()
        shutil.rmtree(self.folder)

    @rule(image=IMAGES, person=PEOPLE, take_over=st.booleans())
    def take(self, image: int, person: int, take_over: bool) -> None:
        allowed = take_over or self.reference.holder.get(image, person) == person
        try:
            with self.runtime.write() as uow:
                told = assignments.take(uow, self.images[image], self.people[person], take_over)
        except Conflict as refusal:
            assert refusal.code == "held" and not allowed
            return
        assert allowed and told["mine"]
        self.reference.take(image, person)

    @rule(image=IMAGES, person=PEOPLE, skip=st.booleans())
    def release(self, image: int, person: int, skip: bool) -> None:
        with self.runtime.write() as uow:
            assignments.release(uow, self.images[image], self.people[person], skip)
        self.reference.leave(image, person, skip)

    @rule(person=PEOPLE, after=st.none() | IMAGES, skip=st.booleans())
    def next_image(self, person: int, after: int | None, skip: bool) -> None:
        left = None if after is None else self.images[after]
        with self.runtime.write() as uow:
            told = assignments.next_image(uow, self.project_id, self.people[person], left, skip)
        if after is not None:
            self.reference.leave(after, person, skip)
        wanted = self.reference.next_of(person, after)
        assert (told and told["image_id"]) == (None if wanted is None else self.images[wanted])
        if wanted is not None:
            self.reference.take(wanted, person)

    @rule(image=IMAGES, person=PEOPLE)
    def complete(self, image: int, person: int) -> None:
        with self.runtime.write() as uow:
            images.set_complete(uow, self.images[image], self.people[person], True)
        said = self.reference.complete.setdefault(image, set())
        if person not in said:
            said.add(person)
            self.reference.skipped.discard((person, image))
            if self.reference.holder.get(image) == person:
                del self.reference.holder[image]

    @rule(image=IMAGES, person=PEOPLE)
    def open_again(self, image: int, person: int) -> None:
        with self.runtime.write() as uow:
            images.set_complete(uow, self.images[image], self.people[person], False)
        for other in self.reference.complete.pop(image, set()):
            self.reference.skipped.discard((other, image))

    @rule(image=IMAGES)
    def time_passes(self, image: int) -> None:
        """The lease runs out: nobody tells the database."""
        with self.runtime.write() as uow:
            held = update(Assignment).where(Assignment.image_id == self.images[image], Assignment.state == "leased")
            uow.session.execute(held.values(lease_expires_at=make.long_ago()))
        self.reference.holder.pop(image, None)

    @invariant()
    def people_see_who_holds_what(self) -> None:
        with self.runtime.read() as session:
            for place, image_id in enumerate(self.images):
                told = assignments.of_image(session, image_id, self.people[place % 3])
                holder = self.reference.holder.get(place)
                assert told["mine"] == (holder == place % 3)
                assert (told["holder"] is None) == (holder is None)
                assert holder is None or told["holder"]["actor_id"] == self.people[holder]

    @invariant()
    def completeness_is_what_was_said(self) -> None:
        with self.runtime.read() as session:
            rows = session.scalars(select(Assignment).where(Assignment.complete)).all()
        said = {(self.images.index(row.image_id), self.people.index(row.actor_id)) for row in rows}
        assert said == {(image, person) for image, people in self.reference.complete.items() for person in people}


TestLeases = Leases.TestCase
TestLeases.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
