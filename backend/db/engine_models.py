"""The tables of the engine: stages, rounds, promotions, generations, audits, ratings. Import them from `models`."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.base import Base, Json, Row, Timed, points_to
from backend.db.types import one_of

Stage = Literal["assisted_manual", "semi_automatic", "fully_automatic"]
StageCause = Literal["rule", "admin"]
RoundState = Literal[
    "frozen", "training", "trained", "evaluating", "judged", "promoted", "rejected", "failed", "cancelled"
]
RoundSteps = Literal["all", "train"]
RoundTrigger = Literal["admin", "masks", "schedule", "simulation"]
RoundDecision = Literal["promote", "reject", "insufficient_evidence"]
PromotionKind = Literal["promotion", "override", "rollback", "manual"]
DetectorState = Literal["training", "ready", "failed"]
GenerationState = Literal["queued", "running", "paused", "cancelled", "done"]
GenerationImageState = Literal["queued", "done", "failed", "skipped"]
AuditState = Literal["open", "closed"]
AuditItemState = Literal["open", "leased", "done"]
RatingKind = Literal["stored", "prompted"]
RatingTaskState = Literal["preparing", "open", "closed", "failed"]

UNFINISHED = text("state IN ('frozen', 'training', 'trained', 'evaluating')")


class StageChange(Row):
    """A project went to another stage: why, by whose decision, and the numbers of that moment."""

    __tablename__ = "stage_change"
    __table_args__ = (
        one_of("from_stage", Stage),
        one_of("to_stage", Stage),
        one_of("cause", StageCause),
        Index(None, "project_id", "created_at", "id"),
    )
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    from_stage: Mapped[Stage] = mapped_column(String(24))
    to_stage: Mapped[Stage] = mapped_column(String(24))
    cause: Mapped[StageCause] = mapped_column(String(16))
    actor_id: Mapped[str | None] = points_to("actor.id")
    reason: Mapped[str] = mapped_column(default="")
    numbers: Mapped[Json] = mapped_column(default=dict)


class Snapshot(Row):
    """A frozen, ordered list of annotations as a file in storage, named by its digest."""

    __tablename__ = "snapshot"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    digest: Mapped[str] = mapped_column(String(64))
    storage_key: Mapped[str]
    image_count: Mapped[int]
    held_out_count: Mapped[int]
    mask_count: Mapped[int]
    held_out_share: Mapped[float]


class Round(Row):
    """One turn of the engine; at most one of a project is unfinished. `steps` says how far it goes by itself."""

    __tablename__ = "round"
    __table_args__ = (
        one_of("state", RoundState),
        one_of("steps", RoundSteps),
        one_of("trigger", RoundTrigger),
        one_of("decision", RoundDecision),
        UniqueConstraint("project_id", "number"),
        Index("uq_round_unfinished", "project_id", unique=True, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
    )
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    number: Mapped[int]
    state: Mapped[RoundState] = mapped_column(String(16), default="frozen")
    steps: Mapped[RoundSteps] = mapped_column(String(16), default="all")
    trigger: Mapped[RoundTrigger] = mapped_column(String(16))
    policy: Mapped[Json]
    base_version_id: Mapped[str | None] = points_to("model_version.id")
    candidate_version_id: Mapped[str | None] = points_to("model_version.id")
    snapshot_id: Mapped[str | None] = points_to("snapshot.id")
    figures: Mapped[Json] = mapped_column(default=dict)
    gate_report: Mapped[Json | None]
    decision: Mapped[RoundDecision | None] = mapped_column(String(24))
    decided_by: Mapped[str | None] = points_to("actor.id")
    reason: Mapped[str] = mapped_column(default="")
    failure: Mapped[str | None]
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]


class Promotion(Row):
    """The project's active model version moved; the log of that pointer, in the order of the project's revisions."""

    __tablename__ = "promotion"
    __table_args__ = (one_of("kind", PromotionKind), UniqueConstraint("project_id", "revision"))
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    revision: Mapped[int]
    round_id: Mapped[str | None] = points_to("round.id")
    from_version_id: Mapped[str | None] = points_to("model_version.id")
    to_version_id: Mapped[str] = points_to("model_version.id")
    kind: Mapped[PromotionKind] = mapped_column(String(16))
    actor_id: Mapped[str | None] = points_to("actor.id")
    reason: Mapped[str] = mapped_column(default="")


class Detector(Row):
    """A box detector that a round trained on the embeddings of one encoder."""

    __tablename__ = "detector"
    __table_args__ = (one_of("state", DetectorState), Index(None, "project_id", "encoder_digest", "state"))
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    round_id: Mapped[str | None] = points_to("round.id")
    encoder_digest: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str | None] = mapped_column(String(64))
    storage_key: Mapped[str | None]
    figures: Mapped[Json] = mapped_column(default=dict)
    state: Mapped[DetectorState] = mapped_column(String(16), default="training")
    failure: Mapped[str | None]


class Generation(Row):
    """One run of automatic masks over images of a project, by one model version and with fixed settings.

    `reason` says why it was cancelled, where no person did that.
    """

    __tablename__ = "generation"
    __table_args__ = (one_of("state", GenerationState), Index(None, "project_id", "created_at", "id"))
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    model_version_id: Mapped[str] = points_to("model_version.id")
    settings: Mapped[Json] = mapped_column(default=dict)
    state: Mapped[GenerationState] = mapped_column(String(16), default="queued")
    image_count: Mapped[int] = mapped_column(default=0)
    done_count: Mapped[int] = mapped_column(default=0)
    failed_count: Mapped[int] = mapped_column(default=0)
    mask_count: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    reason: Mapped[str] = mapped_column(default="", server_default="")
    actor_id: Mapped[str | None] = points_to("actor.id")


class GenerationImage(Timed, Base):
    """What became of one image in a generation."""

    __tablename__ = "generation_image"
    __table_args__ = (one_of("state", GenerationImageState), Index(None, "generation_id", "state"))
    generation_id: Mapped[str] = mapped_column(String(36), ForeignKey("generation.id"), primary_key=True)
    image_id: Mapped[str] = mapped_column(String(36), ForeignKey("image.id"), primary_key=True, index=True)
    state: Mapped[GenerationImageState] = mapped_column(String(16), default="queued")
    mask_count: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    failure: Mapped[str | None]


class Audit(Row):
    """A random sample of annotations that people correct, to learn how good they were."""

    __tablename__ = "audit"
    __table_args__ = (one_of("state", AuditState), Index(None, "project_id", "created_at", "id"))
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    generation_id: Mapped[str | None] = points_to("generation.id")
    seed: Mapped[int] = mapped_column(BigInteger)
    sample_size: Mapped[int]
    state: Mapped[AuditState] = mapped_column(String(16), default="open")
    actor_id: Mapped[str | None] = points_to("actor.id")


class AuditItem(Row):
    """One annotation of an audit, its correction, and the IoU of the two."""

    __tablename__ = "audit_item"
    __table_args__ = (
        one_of("state", AuditItemState),
        UniqueConstraint("audit_id", "annotation_id"),
        CheckConstraint("iou IS NULL OR iou BETWEEN 0 AND 1", name="iou"),
        Index(None, "audit_id", "state", "position"),
    )
    audit_id: Mapped[str] = mapped_column(String(36), ForeignKey("audit.id"))
    annotation_id: Mapped[str] = points_to("annotation.id")
    position: Mapped[int]
    state: Mapped[AuditItemState] = mapped_column(String(16), default="open")
    actor_id: Mapped[str | None] = points_to("actor.id")
    lease_expires_at: Mapped[dt.datetime | None]
    corrected_counts: Mapped[str | None]
    iou: Mapped[float | None]
    seconds: Mapped[float | None]


class RatingTask(Row):
    """A blind queue of masks from several sources that people give 1 to 10.

    `stored` tasks show masks as they are in the project; for `prompted` ones a worker asks model versions for the masks
    of one point each. `settings` say what was drawn.
    """

    __tablename__ = "rating_task"
    __table_args__ = (
        one_of("kind", RatingKind),
        one_of("state", RatingTaskState),
        CheckConstraint("raters_per_mask > 0", name="raters_per_mask"),
        Index(None, "project_id", "created_at", "id"),
    )
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("project.id"))
    name: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[RatingKind] = mapped_column(String(16))
    settings: Mapped[Json] = mapped_column(default=dict)
    raters_per_mask: Mapped[int] = mapped_column(default=1)
    state: Mapped[RatingTaskState] = mapped_column(String(16), default="open")
    failure: Mapped[str | None]
    guidelines_version: Mapped[str]
    actor_id: Mapped[str | None] = points_to("actor.id")


class RatingItem(Row):
    """One mask to rate; `source_name` (a model version, "human", ...) is hidden from the raters.

    Masks with one `object_key` show the same object. `actor_id` holds the lease; `rated_count` counts the ratings.
    """

    __tablename__ = "rating_item"
    __table_args__ = (
        CheckConstraint("height > 0 AND width > 0", name="size"),
        UniqueConstraint("rating_task_id", "position"),
    )
    rating_task_id: Mapped[str] = mapped_column(String(36), ForeignKey("rating_task.id"))
    image_id: Mapped[str] = points_to("image.id")
    annotation_id: Mapped[str | None] = points_to("annotation.id")
    object_key: Mapped[str | None] = mapped_column(String(64))
    prompt: Mapped[Json | None]
    height: Mapped[int]
    width: Mapped[int]
    counts: Mapped[str]
    source_name: Mapped[str]
    position: Mapped[int]
    rated_count: Mapped[int] = mapped_column(default=0)
    actor_id: Mapped[str | None] = points_to("actor.id")
    lease_expires_at: Mapped[dt.datetime | None]


class Rating(Row):
    """What one person gave one mask."""

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint("score BETWEEN 1 AND 10", name="score"),
        UniqueConstraint("rating_item_id", "actor_id"),
    )
    rating_item_id: Mapped[str] = mapped_column(String(36), ForeignKey("rating_item.id"))
    actor_id: Mapped[str] = points_to("actor.id")
    score: Mapped[int]
    seconds: Mapped[float] = mapped_column(default=0.0)
