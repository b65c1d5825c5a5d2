"""First schema: what every later one builds on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import TextClause

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration is history: it repeats the types as they were instead of importing today's.
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "actor",
    "embedding",
    "model_version",
    "worker",
    "login_token",
    "project",
    "session",
    "category",
    "event",
    "export",
    "image",
    "job",
    "annotation",
    "assignment",
)


def upgrade() -> None:
    _actor()
    _embedding()
    _model_version()
    _worker()
    _login_token()
    _project()
    _session()
    _category()
    _event()
    _export()
    _image()
    _job()
    _annotation()
    _assignment()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _now() -> TextClause:
    if op.get_bind().dialect.name == "sqlite":
        return sa.text("(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')")
    return sa.text("clock_timestamp()")


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.String(36), nullable=False)


def _times() -> list[sa.Column[Any]]:
    return [sa.Column(name, TIME, server_default=_now(), nullable=False) for name in ("created_at", "changed_at")]


def _actor() -> None:
    op.create_table(
        "actor",
        _id(),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *_times(),
        sa.CheckConstraint("kind IN ('person', 'token', 'model')", name=op.f("ck_actor_kind")),
        sa.CheckConstraint("state IN ('active', 'suspended')", name=op.f("ck_actor_state")),
        sa.PrimaryKeyConstraint("id", name="pk_actor"),
    )


def _embedding() -> None:
    op.create_table(
        "embedding",
        _id(),
        sa.Column("encoder_digest", sa.String(64), nullable=False),
        sa.Column("pixel_digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("byte_size", sa.BigInteger()),
        sa.Column("failure", sa.Text()),
        *_times(),
        sa.CheckConstraint("state IN ('queued', 'ready', 'failed')", name=op.f("ck_embedding_state")),
        sa.PrimaryKeyConstraint("id", name="pk_embedding"),
        sa.UniqueConstraint("encoder_digest", "pixel_digest", name="uq_embedding_encoder_digest_pixel_digest"),
    )
    op.create_index("ix_embedding_pixel_digest", "embedding", ["pixel_digest"])


def _model_version() -> None:
    op.create_table(
        "model_version",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("encoder_digest", sa.String(64), nullable=False),
        sa.Column("manifest", JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *_times(),
        sa.CheckConstraint("state IN ('active', 'withdrawn')", name=op.f("ck_model_version_state")),
        sa.PrimaryKeyConstraint("id", name="pk_model_version"),
        sa.UniqueConstraint("digest", name="uq_model_version_digest"),
    )
    op.create_index("ix_model_version_encoder_digest", "model_version", ["encoder_digest"])


def _worker() -> None:
    op.create_table(
        "worker",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, server_default=_now(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_index("ix_worker_seen_at", "worker", ["seen_at"])


def _login_token() -> None:
    op.create_table(
        "login_token",
        _id(),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("actor_id", sa.String(36), nullable=False),
        sa.Column("used_at", TIME),
        sa.Column("expires_at", TIME, nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name="fk_login_token_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_login_token"),
        sa.UniqueConstraint("token_digest", name="uq_login_token_token_digest"),
    )
    op.create_index("ix_login_token_actor_id", "login_token", ["actor_id"])


def _project() -> None:
    op.create_table(
        "project",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("stage", sa.String(24), nullable=False),
        sa.Column("active_version_id", sa.String(36)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_times(),
        sa.CheckConstraint(
            "stage IN ('assisted_manual', 'semi_automatic', 'fully_automatic')", name=op.f("ck_project_stage")
        ),
        sa.CheckConstraint("state IN ('active', 'archived')", name=op.f("ck_project_state")),
        sa.ForeignKeyConstraint(["active_version_id"], ["model_version.id"], name="fk_project_active_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
    )
    op.create_index("ix_project_active_version_id", "project", ["active_version_id"])
    op.create_index("ix_project_state_created_at_id", "project", ["state", "created_at", "id"])


def _session() -> None:
    op.create_table(
        "session",
        _id(),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("actor_id", sa.String(36), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name="fk_session_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("token_digest", name="uq_session_token_digest"),
    )
    op.create_index("ix_session_actor_id", "session", ["actor_id"])


def _category() -> None:
    op.create_table(
        "category",
        _id(),
        sa.Column("project_id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("supercategory", sa.Text(), nullable=False),
        sa.Column("colour", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *_times(),
        sa.CheckConstraint("state IN ('active', 'retired')", name=op.f("ck_category_state")),
        sa.CheckConstraint("colour BETWEEN 0 AND 11", name=op.f("ck_category_colour")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_category_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_category"),
        sa.UniqueConstraint("project_id", "name", name="uq_category_project_id_name"),
    )
    op.create_index("ix_category_project_id_position", "category", ["project_id", "position"])


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("project_id", sa.String(36)),
        sa.Column("kind", sa.String(48), nullable=False),
        sa.Column("subject_id", sa.String(80)),
        sa.Column("payload", JSON, nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_event_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_project_id_id", "event", ["project_id", "id"])


def _export() -> None:
    op.create_table(
        "export",
        _id(),
        sa.Column("project_id", sa.String(36), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("with_images", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("storage_key", sa.Text()),
        sa.Column("digest", sa.String(64)),
        sa.Column("byte_size", sa.BigInteger()),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("actor_id", sa.String(36)),
        *_times(),
        sa.CheckConstraint("state IN ('queued', 'ready', 'failed')", name=op.f("ck_export_state")),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name="fk_export_actor_id"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_export_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_export"),
    )
    op.create_index("ix_export_actor_id", "export", ["actor_id"])
    op.create_index("ix_export_project_id_created_at_id", "export", ["project_id", "created_at", "id"])


def _image() -> None:
    op.create_table(
        "image",
        _id(),
        sa.Column("project_id", sa.String(36), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("file_digest", sa.String(64), nullable=False),
        sa.Column("pixel_digest", sa.String(64)),
        sa.Column("height", sa.Integer()),
        sa.Column("width", sa.Integer()),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("actor_id", sa.String(36)),
        *_times(),
        sa.CheckConstraint(
            "state <> 'ready' OR (pixel_digest IS NOT NULL AND height IS NOT NULL)", name=op.f("ck_image_ready")
        ),
        sa.CheckConstraint("state IN ('queued', 'ready', 'failed', 'erased')", name=op.f("ck_image_state")),
        sa.CheckConstraint(
            "(height IS NULL) = (width IS NULL) AND (height IS NULL OR height > 0)", name=op.f("ck_image_size")
        ),
        sa.CheckConstraint("byte_size >= 0", name=op.f("ck_image_byte_size")),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name="fk_image_actor_id"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_image_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_image"),
        sa.UniqueConstraint("project_id", "file_digest", name="uq_image_project_id_file_digest"),
    )
    op.create_index("ix_image_actor_id", "image", ["actor_id"])
    op.create_index("ix_image_pixel_digest", "image", ["pixel_digest"])
    op.create_index("ix_image_project_id_created_at_id", "image", ["project_id", "created_at", "id"])
    op.create_index("ix_image_project_id_group_key", "image", ["project_id", "group_key"])
    op.create_index("ix_image_project_id_position_id", "image", ["project_id", "position", "id"])


def _job() -> None:
    op.create_table(
        "job",
        _id(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(36)),
        sa.Column("args", JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(36)),
        sa.Column("lease_expires_at", TIME),
        sa.Column("run_after", TIME, server_default=_now(), nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("sent_count", sa.Integer(), nullable=False),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("total_count", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text()),
        *_times(),
        sa.CheckConstraint("(state = 'running') = (lease_token IS NOT NULL)", name=op.f("ck_job_lease")),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'dead', 'cancelled')", name=op.f("ck_job_state")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_job_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("key", name="uq_job_key"),
    )
    op.create_index("ix_job_project_id_state_created_at", "job", ["project_id", "state", "created_at"])
    op.create_index("ix_job_state_queue_run_after", "job", ["state", "queue", "run_after"])


def _annotation() -> None:
    op.create_table(
        "annotation",
        _id(),
        sa.Column("project_id", sa.String(36), nullable=False),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("category_id", sa.String(36)),
        sa.Column("parent_id", sa.String(36)),
        sa.Column("supersedes_id", sa.String(36)),
        sa.Column("actor_id", sa.String(36), nullable=False),
        sa.Column("model_version_id", sa.String(36)),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("box_x", sa.Integer(), nullable=False),
        sa.Column("box_y", sa.Integer(), nullable=False),
        sa.Column("box_w", sa.Integer(), nullable=False),
        sa.Column("box_h", sa.Integer(), nullable=False),
        sa.Column("prompts", JSON, nullable=False),
        sa.Column("chosen_candidate", sa.Integer()),
        sa.Column("predicted_iou", sa.Double()),
        sa.Column("stability", sa.Double()),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("active_seconds", sa.Double(), nullable=False),
        sa.Column("wall_seconds", sa.Double(), nullable=False),
        sa.Column("brush_edits", sa.Integer(), nullable=False),
        *_times(),
        sa.CheckConstraint(
            "source IN ('click', 'box', 'brush', 'polygon', 'proposal', 'automatic', 'import')",
            name=op.f("ck_annotation_source"),
        ),
        sa.CheckConstraint(
            "state IN ('accepted', 'proposed', 'rejected', 'superseded', 'deleted')", name=op.f("ck_annotation_state")
        ),
        sa.CheckConstraint(
            "area >= 0 AND box_x >= 0 AND box_y >= 0 AND box_w >= 0 AND box_h >= 0", name=op.f("ck_annotation_box")
        ),
        sa.CheckConstraint("height > 0 AND width > 0", name=op.f("ck_annotation_size")),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name="fk_annotation_actor_id"),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name="fk_annotation_category_id"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_annotation_image_id"),
        sa.ForeignKeyConstraint(["model_version_id"], ["model_version.id"], name="fk_annotation_model_version_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["annotation.id"], name="fk_annotation_parent_id"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_annotation_project_id"),
        sa.ForeignKeyConstraint(["supersedes_id"], ["annotation.id"], name="fk_annotation_supersedes_id"),
        sa.PrimaryKeyConstraint("id", name="pk_annotation"),
    )
    op.create_index("ix_annotation_actor_id", "annotation", ["actor_id"])
    op.create_index("ix_annotation_category_id", "annotation", ["category_id"])
    op.create_index(
        "ix_annotation_image_id_state_created_at_id", "annotation", ["image_id", "state", "created_at", "id"]
    )
    op.create_index("ix_annotation_model_version_id", "annotation", ["model_version_id"])
    op.create_index("ix_annotation_parent_id", "annotation", ["parent_id"])
    op.create_index("ix_annotation_project_id_created_at_id", "annotation", ["project_id", "created_at", "id"])
    op.create_index("ix_annotation_supersedes_id", "annotation", ["supersedes_id"])


def _assignment() -> None:
    op.create_table(
        "assignment",
        _id(),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("actor_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lease_expires_at", TIME),
        sa.Column("complete", sa.Boolean(), nullable=False),
        *_times(),
        sa.CheckConstraint("state IN ('open', 'leased', 'done', 'skipped')", name=op.f("ck_assignment_state")),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name="fk_assignment_actor_id"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_assignment_image_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
        sa.UniqueConstraint("image_id", "actor_id", name="uq_assignment_image_id_actor_id"),
    )
    op.create_index("ix_assignment_actor_id", "assignment", ["actor_id"])
