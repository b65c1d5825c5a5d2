"""Any history of saving, editing, deleting and restoring keeps what must always hold (reliability.md A3).

Proposals are in it: people accept, reject, flag and reconsider them, and newer versions replace them.
"""

import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import select

from backend.db import models
from backend.db.models import Annotation
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import annotations, proposals
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
            versions = [make.model_version(uow, digest=make.digest(f"of {number}")) for number in range(2)]
            told = {"project_id": image.project_id, "settings": {"source": "automatic"}}
            self.runs = [models.Generation(model_version_id=version.id, **told) for version in versions]
            uow.session.add_all(self.runs)
        self.revisions: dict[str, int] = {}
        self.expected: dict[str, str] = {}
        self.proposals: set[str] = set()
        self.decided: set[str] = set()  # proposals about which somebody decided, and did not take it back
        self.flagged: set[str] = set()

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
        alive = self.expected[old] in annotations.ALIVE
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
                    annotations.delete(uow, name, self.actor_id)
            except Conflict:
                assert self.expected[name] == "superseded"
                continue
            assert self.expected[name] != "superseded"
            if self.expected[name] == "proposed":
                self.decided.add(name)
            gone = {"accepted": "deleted", "proposed": "rejected"}
            self.expected[name] = gone.get(self.expected[name], self.expected[name])

    @rule(name=saved, times=st.integers(1, 2))
    def restore(self, name: str, times: int) -> None:
        for _ in range(times):
            before = self.states()
            try:
                with self.runtime.write() as uow:
                    annotations.restore(uow, name)
            except Conflict:
                assert self.expected[name] not in annotations.ALIVE
                assert self.states() == before
                continue
            self.expected[name] = self.restored(name)
            if self.expected[name] == "proposed":
                self.decided.discard(name)
            for other, state in self.states().items():
                if state == "superseded":
                    self.expected[other] = state

    def restored(self, name: str) -> str:
        """What an annotation is once it is back: a proposal again, if nobody has accepted it."""
        state = self.expected[name]
        assert state != "withdrawn"
        if state in annotations.ALIVE:
            return state
        undecided = name in self.proposals and (state == "rejected" or name not in self.decided)
        return "proposed" if undecided else "accepted"

    @rule(target=saved, run=st.integers(0, 1), lefts=st.sets(st.integers(0, 3), min_size=1, max_size=3))
    def propose(self, run: int, lefts: set[int]) -> object:
        """A version makes its masks: new ones, ones that it made before, and none where it made some before."""
        drafts = [self.proposal(run, left) for left in sorted(lefts)]
        ids = [draft.id for draft in drafts]
        replaced = {name for name, state in self.expected.items() if state == "withdrawn" and self.has_heir(name)}
        with self.runtime.write() as uow:
            image = uow.session.get_one(models.Image, self.image_id)
            count = proposals.replace(
                uow, self.runs[run], image, [annotations.checked(one, (40, 60)) for one in drafts]
            )
        for name in self.proposals - set(ids):
            if self.expected[name] == "proposed" and name not in self.flagged:
                self.expected[name] = "withdrawn"
        for name in ids:
            if self.expected.get(name, "withdrawn") == "withdrawn" and name not in replaced:
                self.expected[name] = "proposed"
        self.proposals |= set(ids)
        assert count == sum(self.expected[name] == "proposed" for name in ids)
        return multiple(*ids)

    def proposal(self, run: int, left: int) -> annotations.Draft:
        told = draft(mask(top=20 + run, left=left))
        told["id"] = proposals.id_of(self.image_id, make.digest(f"of {run}"), "automatic", told["counts"])
        return annotations.Draft(**told | {"source": "automatic", "model_version_id": self.runs[run].model_version_id})

    def has_heir(self, name: str) -> bool:
        with self.runtime.read() as session:
            heirs = session.scalars(select(Annotation.state).where(Annotation.supersedes_id == name))
            return any(state not in ("deleted", "rejected", "withdrawn") for state in heirs)

    @rule(name=saved)
    def accept(self, name: str) -> None:
        try:
            with self.runtime.write() as uow:
                annotations.accept(uow, name, self.actor_id)
        except Conflict:
            assert self.expected[name] not in annotations.ALIVE
            return
        if self.expected[name] == "proposed":
            self.decided.add(name)
        self.expected[name] = "accepted"

    @rule(name=saved)
    def reconsider(self, name: str) -> None:
        may = self.expected[name] == "proposed" or (self.expected[name] == "accepted" and name in self.decided)
        try:
            with self.runtime.write() as uow:
                annotations.reconsider(uow, name)
        except Conflict:
            assert not may
            return
        assert may
        self.expected[name] = "proposed"
        self.decided.discard(name)

    @rule(name=saved, words=st.sampled_from(["too wide", None]))
    def flag(self, name: str, words: str | None) -> None:
        try:
            with self.runtime.write() as uow:
                annotations.change(uow, name, self.revisions[name], {"flag": words})
        except Conflict:
            assert self.expected[name] not in annotations.ALIVE
            return
        assert self.expected[name] in annotations.ALIVE
        (self.flagged.add if words else self.flagged.discard)(name)

    @rule(name=saved, revision=st.integers(0, 6))
    def change(self, name: str, revision: int) -> None:
        try:
            with self.runtime.write() as uow:
                annotations.change(uow, name, revision, {"attributes": {"n": revision}})
        except Conflict:
            assert revision != self.revisions[name] or self.expected[name] not in annotations.ALIVE
        else:
            assert revision == self.revisions[name] and self.expected[name] in annotations.ALIVE

    def states(self) -> dict[str, str]:
        with self.runtime.read() as session:
            return {row.id: row.state for row in session.scalars(select(Annotation))}

    @invariant()
    def the_database_says_what_was_answered(self) -> None:
        assert self.states() == self.expected
        with self.runtime.read() as session:
            listed = {view["id"] for view in annotations.of_image(session, self.image_id)}
        assert listed == {name for name, state in self.expected.items() if state in annotations.ALIVE}

    @invariant()
    def of_all_versions_of_one_mask_at_most_one_is_alive(self) -> None:
        with self.runtime.read() as session:
            rows = {row.id: row for row in session.scalars(select(Annotation))}
        roots = []
        for row in rows.values():
            if row.state in annotations.ALIVE:
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
