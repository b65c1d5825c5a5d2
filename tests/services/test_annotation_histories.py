"""Any history of saving, editing, deleting and restoring keeps what must always hold (reliability.md A3)."""

import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from backend.db.models import Annotation
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import annotations
from backend.settings import Settings
from tests import make
from tests.web import draft, mask

TEMPLATE: list[Path] = []


@pytest.fixture(autouse=True)
def template(sqlite_template: Path) -> None:
    """Hypothesis makes its machines itself, so the migrated database is handed over here."""
    TEMPLATE[:] = [sqlite_template]


class Histories(RuleBasedStateMachine):
    saved: Bundle[str] = Bundle("saved")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(TEMPLATE[0], self.folder / "maskmill.db")
        self.runtime = Runtime.from_settings(Settings(data_dir=self.folder), send=lambda wakes: None)
        with self.runtime.write() as uow:
            image = make.image(uow, make.project(uow), height=40, width=60)
            self.image_id, self.actor_id = image.id, make.actor(uow).id
        self.revisions: dict[str, int] = {}
        self.expected: dict[str, str] = {}

    def teardown(self) -> None:
        self.runtime.close()
        shutil.rmtree(self.folder)

    def save(self, supersedes_id: str | None = None) -> str:
        fields = draft(mask(left=len(self.expected)), supersedes_id=supersedes_id)
        annotations.save(self.runtime, self.image_id, self.actor_id, annotations.Draft(**fields))
        return str(fields["id"])

    @rule(target=saved)
    def make_one(self) -> str:
        name = self.save()
        self.expected[name] = "accepted"
        return name

    @rule(target=saved, old=saved)
    def edit(self, old: str) -> str:
        alive = self.expected.get(old) == "accepted"
        try:
            name = self.save(old)
        except Conflict:
            assert not alive
            return old
        assert alive
        self.expected |= {old: "superseded", name: "accepted"}
        return name

    @rule(name=saved, times=st.integers(1, 2))
    def delete(self, name: str, times: int) -> None:
        for _ in range(times):
            try:
                with self.runtime.write() as uow:
                    annotations.delete(uow, name)
            except Conflict:
                assert self.expected[name] == "superseded"
            else:
                self.expected[name] = "deleted"

    @rule(name=saved, times=st.integers(1, 2))
    def restore(self, name: str, times: int) -> None:
        for _ in range(times):
            before = self.states()
            try:
                with self.runtime.write() as uow:
                    annotations.restore(uow, name)
            except Conflict:
                assert self.expected[name] != "accepted"
                assert self.states() == before
                continue
            self.expected[name] = "accepted"
            for other, state in self.states().items():
                if state == "superseded":
                    self.expected[other] = state

    @rule(name=saved, revision=st.integers(0, 6))
    def change(self, name: str, revision: int) -> None:
        try:
            with self.runtime.write() as uow:
                annotations.change(uow, name, revision, {"attributes": {"n": revision}})
        except Conflict:
            assert revision != self.revisions[name] or self.expected[name] != "accepted"
        else:
            assert revision == self.revisions[name] and self.expected[name] == "accepted"

    def states(self) -> dict[str, str]:
        with self.runtime.read() as session:
            return {row.id: row.state for row in session.scalars(select(Annotation))}

    @invariant()
    def the_database_says_what_was_answered(self) -> None:
        assert self.states() == self.expected
        with self.runtime.read() as session:
            listed = {view["id"] for view in annotations.of_image(session, self.image_id)}
        assert listed == {name for name, state in self.expected.items() if state == "accepted"}

    @invariant()
    def of_all_versions_of_one_mask_at_most_one_is_alive(self) -> None:
        with self.runtime.read() as session:
            rows = {row.id: row for row in session.scalars(select(Annotation))}
        roots = []
        for row in rows.values():
            if row.state == "accepted":
                root = row
                while root.supersedes_id is not None:
                    root = rows[root.supersedes_id]
                roots.append(root.id)
        assert len(roots) == len(set(roots))

    @invariant()
    def revisions_only_grow(self) -> None:
        with self.runtime.read() as session:
            now = {row.id: row.revision for row in session.scalars(select(Annotation))}
        assert all(now[name] >= before for name, before in self.revisions.items())
        assert all(uuid.UUID(name) for name in now)
        self.revisions = now


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
