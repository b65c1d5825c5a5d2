"""The tables. ids are uuid strings; times come from the database clock; states are soft (rows are not deleted).

Those of the engine (stages, rounds, generations, audits, ratings) are in `engine_models`; import them from here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.base import Base as Base
from backend.db.base import Json as Json
from backend.db.base import Row, Timed, points_to
from backend.db.base import new_id as new_id
from backend.db.engine_models import Audit as Audit
from backend.db.engine_models import AuditItem as AuditItem
from backend.db.engine_models import Detector as Detector
from backend.db.engine_models import Generation as Generation
from backend.db.engine_models import GenerationImage as GenerationImage
from backend.db.engine_models import Promotion as Promotion
from backend.db.engine_models import Rating as Rating
from backend.db.engine_models import RatingItem as RatingItem
from backend.db.engine_models import RatingTask as RatingTask
from backend.db.engine_models import Round as Round
from backend.db.engine_models import Snapshot as Snapshot
from backend.db.engine_models import Stage as Stage
from backend.db.engine_models import StageChange as StageChange
from backend.db.types import SerialColumn, moment, one_of
from backend.engine.effort import clicks

ActorKind = Literal["person", "token", "model"]
ActorState = Literal["active", "suspended"]
ProjectState = Literal["active", "archived"]
CategoryState = Literal["active", "retired"]
ImageState = Literal["queued", "ready", "failed", "erased"]
EmbeddingState = Literal["queued", "ready", "failed"]
VersionState = Literal["candidate", "active", "rejected", "withdrawn"]
Source = Literal["click", "box", "brush", "polygon", "proposal", "automatic", "detector", "import"]
AnnotationState = Literal["accepted", "proposed", "rejected", "withdrawn", "superseded", "deleted"]
AssignmentState = Literal["open", "leased", "done", "skipped"]
JobState = Literal["queued", "running", "done", "dead", "cancelled"]
ExportState = Literal["queued", "ready", "failed"]

EFFORT = (
    *("project_id", "image_id", "stage", "model_version_id", "actor_id", "source", "state", "supersedes_id"),
    *("decided_by_id", "active_seconds", "wall_seconds", "clicks", "brush_edits", "id"),
)
LEASED = text("state = 'leased'")


class Actor(Row):
    """Who did something: a person, a token of a program, or a model version."""

    __tablename__ = "actor"
    __table_args__ = (one_of("kind", ActorKind), one_of("state", ActorState))
    kind: Mapped[ActorKind] = mapped_column(String(16))
    name: Mapped[str]
    state: Mapped[ActorState] = mapped_column(String(16), default="active")


class SignInSession(Row):
    """A signed-in browser; only the digest of its cookie is kept."""

    __tablename__ = "session"
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    actor_id: Mapped[str] = points_to("actor.id")
    expires_at: Mapped[dt.datetime]


class LoginToken(Row):
    """A one-time sign-in link; only its digest is kept."""

    __tablename__ = "login_token"
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    actor_id: Mapped[str] = points_to("actor.id")
    used_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime]


class ModelVersion(Row):
    """An immutable release: weights, preprocessing and decoder, named by digest.

    A `candidate` came out of a round and nobody uses it yet.
    """

    __tablename__ = "model_version"
    __table_args__ = (one_of("state", VersionState),)
    name: Mapped[str]
    version: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    encoder_digest: Mapped[str] = mapped_column(String(64), index=True)
    manifest: Mapped[Json]
    state: Mapped[VersionState] = mapped_column(String(16), default="active")


class Project(Row):
    __tablename__ = "project"
    __table_args__ = (one_of("stage", Stage), one_of("state", ProjectState), Index(None, "state", "created_at", "id"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    stage: Mapped[Stage] = mapped_column(String(24), default="assisted_manual")
    policy: Mapped[Json] = mapped_column(default=dict, server_default=text("'{}'"))
    active_version_id: Mapped[str | None] = points_to("model_version.id")
    state: Mapped[ProjectState] = mapped_column(String(16), default="active")
    revision: Mapped[int] = mapped_column(default=1)


class Category(Row):
    __tablename__ = "category"
    __table_args__ = (
        one_of("state", CategoryState),
        CheckConstraint("colour BETWEEN 0 AND 11", name="colour"),
        UniqueConstraint("project_id", "name"),
        Index(None, "project_id", "position"),
    )
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    name: Mapped[str]
    supercategory: Mapped[str] = mapped_column(default="")
    colour: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    state: Mapped[CategoryState] = mapped_column(String(16), default="active")


class Image(Row):
    """A photograph in a project; `file_digest` names its bytes, `pixel_digest` its upright 8-bit pixels."""

    __tablename__ = "image"
    __table_args__ = (
        one_of("state", ImageState),
        UniqueConstraint("project_id", "file_digest"),
        CheckConstraint("byte_size >= 0", name="byte_size"),
        CheckConstraint("(height IS NULL) = (width IS NULL) AND (height IS NULL OR height > 0)", name="size"),
        CheckConstraint("state <> 'ready' OR (pixel_digest IS NOT NULL AND height IS NOT NULL)", name="ready"),
        Index(None, "project_id", "created_at", "id"),
        Index(None, "project_id", "position", "id"),
        Index(None, "project_id", "group_key"),
        Index(None, "pixel_digest"),
    )
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    file_name: Mapped[str]
    media_type: Mapped[str] = mapped_column(String(64))
    byte_size: Mapped[int] = mapped_column(BigInteger)
    file_digest: Mapped[str] = mapped_column(String(64))
    pixel_digest: Mapped[str | None] = mapped_column(String(64))
    height: Mapped[int | None]
    width: Mapped[int | None]
    group_key: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    state: Mapped[ImageState] = mapped_column(String(16), default="queued")
    failure: Mapped[str | None]
    actor_id: Mapped[str | None] = points_to("actor.id")


class Embedding(Row):
    """What an encoder made of some pixels; shared by every project that has the same pixels."""

    __tablename__ = "embedding"
    __table_args__ = (
        one_of("state", EmbeddingState),
        UniqueConstraint("encoder_digest", "pixel_digest"),
        Index(None, "pixel_digest"),
    )
    encoder_digest: Mapped[str] = mapped_column(String(64))
    pixel_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[EmbeddingState] = mapped_column(String(16), default="queued")
    byte_size: Mapped[int | None] = mapped_column(BigInteger)
    failure: Mapped[str | None]


def _clicks(context: Any) -> int:
    return clicks(context.get_current_parameters().get("prompts") or ())


class Annotation(Row):
    """One mask on one image. Geometry never changes: an edit is a new row that supersedes this one.

    A proposal keeps its model as `actor_id`; `decided_by_id` is the person who accepted or rejected it.
    """

    __tablename__ = "annotation"
    __table_args__ = (
        one_of("source", Source),
        one_of("stage", Stage),
        one_of("state", AnnotationState),
        CheckConstraint("height > 0 AND width > 0", name="size"),
        CheckConstraint("area >= 0 AND box_x >= 0 AND box_y >= 0 AND box_w >= 0 AND box_h >= 0", name="box"),
        Index(None, "image_id", "state", "created_at", "id"),
        Index(None, "project_id", "created_at", "id"),
        # What the numbers of a stage ask for, without reading the masks.
        Index("ix_annotation_counts", "project_id", "state", "stage", "source", "created_at", "image_id"),
        Index("ix_annotation_decisions", "project_id", "decided_at", "source", "state"),
        # All that the effort table reads, image by image: rows are many times as large.
        Index("ix_annotation_effort", *EFFORT),
    )
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    image_id: Mapped[str] = mapped_column(String(36), ForeignKey("image.id"))
    category_id: Mapped[str | None] = points_to("category.id")
    parent_id: Mapped[str | None] = points_to("annotation.id")
    supersedes_id: Mapped[str | None] = points_to("annotation.id")
    actor_id: Mapped[str] = points_to("actor.id")
    model_version_id: Mapped[str | None] = points_to("model_version.id")
    generation_id: Mapped[str | None] = points_to("generation.id")
    source: Mapped[Source] = mapped_column(String(16))
    stage: Mapped[Stage] = mapped_column(String(24))
    state: Mapped[AnnotationState] = mapped_column(String(16), default="accepted")
    revision: Mapped[int] = mapped_column(default=1)
    height: Mapped[int]
    width: Mapped[int]
    counts: Mapped[str]
    area: Mapped[int] = mapped_column(BigInteger)
    box_x: Mapped[int]
    box_y: Mapped[int]
    box_w: Mapped[int]
    box_h: Mapped[int]
    prompts: Mapped[list[Json]] = mapped_column(default=list)
    clicks: Mapped[int] = mapped_column(default=_clicks, server_default=text("0"))  # of the prompts, which stay
    chosen_candidate: Mapped[int | None]
    predicted_iou: Mapped[float | None]
    stability: Mapped[float | None]
    attributes: Mapped[Json] = mapped_column(default=dict)
    active_seconds: Mapped[float] = mapped_column(default=0.0)
    wall_seconds: Mapped[float] = mapped_column(default=0.0)
    brush_edits: Mapped[int] = mapped_column(default=0)
    flag: Mapped[str | None]
    decided_by_id: Mapped[str | None] = points_to("actor.id")
    decided_at: Mapped[dt.datetime | None]


class Assignment(Row):
    """Who works on an image, at most one person at a time; `complete` says that everything on it is annotated."""

    __tablename__ = "assignment"
    __table_args__ = (
        one_of("state", AssignmentState),
        CheckConstraint("(state = 'leased') = (lease_expires_at IS NOT NULL)", name="lease"),
        UniqueConstraint("image_id", "actor_id"),
        Index("uq_assignment_leased", "image_id", unique=True, sqlite_where=LEASED, postgresql_where=LEASED),
    )
    image_id: Mapped[str] = mapped_column(String(36), ForeignKey("image.id"))
    actor_id: Mapped[str] = points_to("actor.id")
    state: Mapped[AssignmentState] = mapped_column(String(16), default="open")
    lease_expires_at: Mapped[dt.datetime | None]
    complete: Mapped[bool] = mapped_column(default=False)


class Job(Row):
    """Work to be done once. The row is the truth; a broker message only says that it is there."""

    __tablename__ = "job"
    __table_args__ = (
        one_of("state", JobState),
        CheckConstraint("(state = 'running') = (lease_token IS NOT NULL)", name="lease"),
        Index(None, "state", "queue", "run_after"),
        Index(None, "project_id", "state", "created_at"),
    )
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(255), unique=True)
    queue: Mapped[str] = mapped_column(String(32))
    project_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("project.id"))
    args: Mapped[Json] = mapped_column(default=dict)
    state: Mapped[JobState] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_expires_at: Mapped[dt.datetime | None]
    run_after: Mapped[dt.datetime] = mapped_column(server_default=moment())
    sent_at: Mapped[dt.datetime | None]
    sent_count: Mapped[int] = mapped_column(default=0)
    done_count: Mapped[int] = mapped_column(default=0)
    total_count: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(default="")
    failure: Mapped[str | None]


class Worker(Row):
    """A worker process that says every few seconds that it lives."""

    __tablename__ = "worker"
    name: Mapped[str]
    queues: Mapped[str]
    seen_at: Mapped[dt.datetime] = mapped_column(server_default=moment(), index=True)


class Event(Timed, Base):
    """Something happened; ids grow in the order of commits, so a reader can resume after the last one it saw."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "project_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(SerialColumn, primary_key=True, sort_order=-1)
    project_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("project.id"))
    kind: Mapped[str] = mapped_column(String(48))
    subject_id: Mapped[str | None] = mapped_column(String(80))
    payload: Mapped[Json] = mapped_column(default=dict)


class Export(Row):
    """One immutable archive of a project's annotations."""

    __tablename__ = "export"
    __table_args__ = (one_of("state", ExportState), Index(None, "project_id", "created_at", "id"))
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    format: Mapped[str] = mapped_column(String(32))
    with_images: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ExportState] = mapped_column(String(16), default="queued")
    storage_key: Mapped[str | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    byte_size: Mapped[int | None] = mapped_column(BigInteger)
    counts: Mapped[Json] = mapped_column(default=dict)
    failure: Mapped[str | None]
    actor_id: Mapped[str | None] = points_to("actor.id")
