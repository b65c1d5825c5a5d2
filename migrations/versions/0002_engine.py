"""The engine: policies, stage changes, rounds, snapshots, promotions, generations, detectors, audits and ratings."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import TextClause

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
STAGES = "('assisted_manual', 'semi_automatic', 'fully_automatic')"
OLD_SOURCES = "('click', 'box', 'brush', 'polygon', 'proposal', 'automatic', 'import')"
SOURCES = "('click', 'box', 'brush', 'polygon', 'proposal', 'automatic', 'detector', 'import')"
OLD_STATES = "('accepted', 'proposed', 'rejected', 'superseded', 'deleted')"
STATES = "('accepted', 'proposed', 'rejected', 'withdrawn', 'superseded', 'deleted')"
COUNTING = {
    "ix_annotation_counts": ["project_id", "state", "stage", "source", "created_at", "image_id"],
    "ix_annotation_decisions": ["project_id", "decided_at", "source", "state"],
}
TABLES = (
    "stage_change",
    "snapshot",
    "round",
    "promotion",
    "detector",
    "generation",
    "generation_image",
    "audit",
    "audit_item",
    "rating_task",
    "rating_item",
    "rating",
)


def upgrade() -> None:
    op.add_column("project", sa.Column("policy", JSON, server_default=sa.text("'{}'"), nullable=False))
    _stage_change()
    _snapshot()
    _states_of_versions("('candidate', 'active', 'rejected', 'withdrawn')")
    _round()
    _promotion()
    _detector()
    _generation()
    _annotations_know_more()
    _one_lease_an_image()
    _audit()
    _rating()


def downgrade() -> None:
    with op.batch_alter_table("assignment") as table:
        table.drop_index("uq_assignment_leased")
        table.drop_constraint(op.f("ck_assignment_lease"), type_="check")
    for name in reversed(TABLES[TABLES.index("audit") :]):
        op.drop_table(name)
    _annotations_know_less()
    for name in reversed(TABLES[: TABLES.index("audit")]):
        op.drop_table(name)
    op.execute("UPDATE model_version SET state = 'withdrawn' WHERE state IN ('candidate', 'rejected')")
    _states_of_versions("('active', 'withdrawn')")
    op.drop_column("project", "policy")


def _now() -> TextClause:
    if op.get_bind().dialect.name == "sqlite":
        return sa.text("(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')")
    return sa.text("clock_timestamp()")


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.String(36), nullable=False)


def _refers(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(36), nullable=nullable)


def _text(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _times() -> list[sa.Column[Any]]:
    return [sa.Column(name, TIME, server_default=_now(), nullable=False) for name in ("created_at", "changed_at")]


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}")


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(columns or ("id",)), name=f"pk_{table}")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _unique_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def _stage_change() -> None:
    op.create_table(
        "stage_change",
        _id(),
        _refers("project_id"),
        sa.Column("from_stage", sa.String(24), nullable=False),
        sa.Column("to_stage", sa.String(24), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        _refers("actor_id", nullable=True),
        _text("reason"),
        sa.Column("numbers", JSON, nullable=False),
        *_times(),
        _check("stage_change", "from_stage", f"from_stage IN {STAGES}"),
        _check("stage_change", "to_stage", f"to_stage IN {STAGES}"),
        _check("stage_change", "cause", "cause IN ('rule', 'admin')"),
        _points("stage_change", "project_id", "project"),
        _points("stage_change", "actor_id", "actor"),
        _key("stage_change"),
    )
    _index("stage_change", "actor_id")
    _index("stage_change", "project_id", "created_at", "id")


def _snapshot() -> None:
    op.create_table(
        "snapshot",
        _id(),
        _refers("project_id"),
        sa.Column("digest", sa.String(64), nullable=False),
        _text("storage_key"),
        _whole("image_count"),
        _whole("held_out_count"),
        _whole("mask_count"),
        sa.Column("held_out_share", sa.Double(), nullable=False),
        *_times(),
        _points("snapshot", "project_id", "project"),
        _key("snapshot"),
        _unique("snapshot", "project_id", "digest"),
    )


def _states_of_versions(after: str) -> None:
    with op.batch_alter_table("model_version") as table:
        table.drop_constraint(op.f("ck_model_version_state"), type_="check")
        table.create_check_constraint(op.f("ck_model_version_state"), f"state IN {after}")


def _round() -> None:
    states = "'frozen', 'training', 'trained', 'evaluating', 'judged', 'promoted', 'rejected', 'failed', 'cancelled'"
    op.create_table(
        "round",
        _id(),
        _refers("project_id"),
        _whole("number"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("steps", sa.String(16), nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("policy", JSON, nullable=False),
        _refers("base_version_id", nullable=True),
        _refers("candidate_version_id", nullable=True),
        _refers("snapshot_id", nullable=True),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("gate_report", JSON),
        sa.Column("decision", sa.String(24)),
        _refers("decided_by", nullable=True),
        _text("reason"),
        _text("failure", nullable=True),
        sa.Column("started_at", TIME),
        sa.Column("ended_at", TIME),
        *_times(),
        _check("round", "state", f"state IN ({states})"),
        _check("round", "steps", "steps IN ('all', 'train')"),
        _check("round", "trigger", "trigger IN ('admin', 'masks', 'schedule', 'simulation')"),
        _check("round", "decision", "decision IN ('promote', 'reject', 'insufficient_evidence')"),
        _points("round", "project_id", "project"),
        _points("round", "base_version_id", "model_version"),
        _points("round", "candidate_version_id", "model_version"),
        _points("round", "snapshot_id", "snapshot"),
        _points("round", "decided_by", "actor"),
        _key("round"),
        _unique("round", "project_id", "number"),
    )
    for column in ("base_version_id", "candidate_version_id", "snapshot_id", "decided_by"):
        _index("round", column)
    _unique_where(
        "uq_round_unfinished", "round", "project_id", "state IN ('frozen', 'training', 'trained', 'evaluating')"
    )


def _promotion() -> None:
    op.create_table(
        "promotion",
        _id(),
        _refers("project_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        _refers("round_id", nullable=True),
        _refers("from_version_id", nullable=True),
        _refers("to_version_id"),
        sa.Column("kind", sa.String(16), nullable=False),
        _refers("actor_id", nullable=True),
        _text("reason"),
        *_times(),
        _check("promotion", "kind", "kind IN ('promotion', 'override', 'rollback', 'manual')"),
        _points("promotion", "project_id", "project"),
        _points("promotion", "round_id", "round"),
        _points("promotion", "from_version_id", "model_version"),
        _points("promotion", "to_version_id", "model_version"),
        _points("promotion", "actor_id", "actor"),
        _key("promotion"),
        _unique("promotion", "project_id", "revision"),
    )
    for column in ("round_id", "from_version_id", "to_version_id", "actor_id"):
        _index("promotion", column)


def _detector() -> None:
    op.create_table(
        "detector",
        _id(),
        _refers("project_id"),
        _refers("round_id", nullable=True),
        sa.Column("encoder_digest", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64)),
        _text("storage_key", nullable=True),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        _text("failure", nullable=True),
        *_times(),
        _check("detector", "state", "state IN ('training', 'ready', 'failed')"),
        _points("detector", "project_id", "project"),
        _points("detector", "round_id", "round"),
        _key("detector"),
    )
    _index("detector", "round_id")
    _index("detector", "project_id", "encoder_digest", "state")


def _generation() -> None:
    op.create_table(
        "generation",
        _id(),
        _refers("project_id"),
        _refers("model_version_id"),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *[_whole(name) for name in ("image_count", "done_count", "failed_count")],
        sa.Column("mask_count", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        _refers("actor_id", nullable=True),
        *_times(),
        _check("generation", "state", "state IN ('queued', 'running', 'paused', 'cancelled', 'done')"),
        _points("generation", "project_id", "project"),
        _points("generation", "model_version_id", "model_version"),
        _points("generation", "actor_id", "actor"),
        _key("generation"),
    )
    _index("generation", "actor_id")
    _index("generation", "model_version_id")
    _index("generation", "project_id", "created_at", "id")
    op.create_table(
        "generation_image",
        _refers("generation_id"),
        _refers("image_id"),
        sa.Column("state", sa.String(16), nullable=False),
        _whole("mask_count"),
        sa.Column("seconds", sa.Double(), nullable=False),
        _text("failure", nullable=True),
        *_times(),
        _check("generation_image", "state", "state IN ('queued', 'done', 'failed', 'skipped')"),
        _points("generation_image", "generation_id", "generation"),
        _points("generation_image", "image_id", "image"),
        _key("generation_image", "generation_id", "image_id"),
    )
    _index("generation_image", "image_id")
    _index("generation_image", "generation_id", "state")


def _annotations_know_more() -> None:
    op.add_column("annotation", sa.Column("stage", sa.String(24)))
    op.execute("UPDATE annotation SET stage = (SELECT stage FROM project WHERE project.id = annotation.project_id)")
    with op.batch_alter_table("annotation") as table:
        table.alter_column("stage", existing_type=sa.String(24), nullable=False)
        table.create_check_constraint(op.f("ck_annotation_stage"), f"stage IN {STAGES}")
        table.add_column(_refers("generation_id", nullable=True))
        table.create_foreign_key("fk_annotation_generation_id", "generation", ["generation_id"], ["id"])
        table.add_column(_text("flag", nullable=True))
        table.drop_constraint(op.f("ck_annotation_source"), type_="check")
        table.create_check_constraint(op.f("ck_annotation_source"), f"source IN {SOURCES}")
        table.add_column(_refers("decided_by_id", nullable=True))
        table.add_column(sa.Column("decided_at", TIME))
        table.create_foreign_key("fk_annotation_decided_by_id", "actor", ["decided_by_id"], ["id"])
        table.drop_constraint(op.f("ck_annotation_state"), type_="check")
        table.create_check_constraint(op.f("ck_annotation_state"), f"state IN {STATES}")
    _index("annotation", "generation_id")
    _index("annotation", "decided_by_id")
    for name, columns in COUNTING.items():
        op.create_index(name, "annotation", columns)


def _annotations_know_less() -> None:
    op.execute("UPDATE annotation SET source = 'automatic' WHERE source = 'detector'")
    op.execute("UPDATE annotation SET state = 'rejected' WHERE state = 'withdrawn'")
    for name in COUNTING:
        op.drop_index(name, "annotation")
    op.drop_index("ix_annotation_generation_id", "annotation")
    op.drop_index("ix_annotation_decided_by_id", "annotation")
    with op.batch_alter_table("annotation") as table:
        table.drop_constraint(op.f("ck_annotation_stage"), type_="check")
        table.drop_constraint("fk_annotation_generation_id", type_="foreignkey")
        table.drop_constraint("fk_annotation_decided_by_id", type_="foreignkey")
        table.drop_constraint(op.f("ck_annotation_state"), type_="check")
        table.create_check_constraint(op.f("ck_annotation_state"), f"state IN {OLD_STATES}")
        for column in ("stage", "generation_id", "flag", "decided_by_id", "decided_at"):
            table.drop_column(column)
        table.drop_constraint(op.f("ck_annotation_source"), type_="check")
        table.create_check_constraint(op.f("ck_annotation_source"), f"source IN {OLD_SOURCES}")


def _one_lease_an_image() -> None:
    with op.batch_alter_table("assignment") as table:
        rule = "(state = 'leased') = (lease_expires_at IS NOT NULL)"
        table.create_check_constraint(op.f("ck_assignment_lease"), rule)
    _unique_where("uq_assignment_leased", "assignment", "image_id", "state = 'leased'")


def _audit() -> None:
    op.create_table(
        "audit",
        _id(),
        _refers("project_id"),
        _refers("generation_id", nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        _whole("sample_size"),
        sa.Column("state", sa.String(16), nullable=False),
        _refers("actor_id", nullable=True),
        *_times(),
        _check("audit", "state", "state IN ('open', 'closed')"),
        _points("audit", "project_id", "project"),
        _points("audit", "generation_id", "generation"),
        _points("audit", "actor_id", "actor"),
        _key("audit"),
    )
    _index("audit", "actor_id")
    _index("audit", "generation_id")
    _index("audit", "project_id", "created_at", "id")
    op.create_table(
        "audit_item",
        _id(),
        _refers("audit_id"),
        _refers("annotation_id"),
        _whole("position"),
        sa.Column("state", sa.String(16), nullable=False),
        _refers("actor_id", nullable=True),
        sa.Column("lease_expires_at", TIME),
        _text("corrected_counts", nullable=True),
        sa.Column("iou", sa.Double()),
        sa.Column("seconds", sa.Double()),
        *_times(),
        _check("audit_item", "state", "state IN ('open', 'leased', 'done')"),
        _check("audit_item", "iou", "iou IS NULL OR iou BETWEEN 0 AND 1"),
        _points("audit_item", "audit_id", "audit"),
        _points("audit_item", "annotation_id", "annotation"),
        _points("audit_item", "actor_id", "actor"),
        _key("audit_item"),
        _unique("audit_item", "audit_id", "annotation_id"),
    )
    _index("audit_item", "annotation_id")
    _index("audit_item", "actor_id")
    _index("audit_item", "audit_id", "state", "position")


def _rating() -> None:
    op.create_table(
        "rating_task",
        _id(),
        _refers("project_id"),
        _text("name"),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        _whole("raters_per_mask"),
        sa.Column("state", sa.String(16), nullable=False),
        _text("failure", nullable=True),
        _text("guidelines_version"),
        _refers("actor_id", nullable=True),
        *_times(),
        _check("rating_task", "kind", "kind IN ('stored', 'prompted')"),
        _check("rating_task", "state", "state IN ('preparing', 'open', 'closed', 'failed')"),
        _check("rating_task", "raters_per_mask", "raters_per_mask > 0"),
        _points("rating_task", "project_id", "project"),
        _points("rating_task", "actor_id", "actor"),
        _key("rating_task"),
    )
    _index("rating_task", "actor_id")
    _index("rating_task", "project_id", "created_at", "id")
    op.create_table(
        "rating_item",
        _id(),
        _refers("rating_task_id"),
        _refers("image_id"),
        _refers("annotation_id", nullable=True),
        sa.Column("object_key", sa.String(64), nullable=True),
        sa.Column("prompt", JSON, nullable=True),
        _whole("height"),
        _whole("width"),
        _text("counts"),
        _text("source_name"),
        _whole("position"),
        _whole("rated_count"),
        _refers("actor_id", nullable=True),
        sa.Column("lease_expires_at", TIME, nullable=True),
        *_times(),
        _check("rating_item", "size", "height > 0 AND width > 0"),
        _points("rating_item", "rating_task_id", "rating_task"),
        _points("rating_item", "image_id", "image"),
        _points("rating_item", "annotation_id", "annotation"),
        _points("rating_item", "actor_id", "actor"),
        _key("rating_item"),
        _unique("rating_item", "rating_task_id", "position"),
    )
    _index("rating_item", "image_id")
    _index("rating_item", "annotation_id")
    _index("rating_item", "actor_id")
    op.create_table(
        "rating",
        _id(),
        _refers("rating_item_id"),
        _refers("actor_id"),
        _whole("score"),
        sa.Column("seconds", sa.Double(), nullable=False),
        *_times(),
        _check("rating", "score", "score BETWEEN 1 AND 10"),
        _points("rating", "rating_item_id", "rating_item"),
        _points("rating", "actor_id", "actor"),
        _key("rating"),
        _unique("rating", "rating_item_id", "actor_id"),
    )
    _index("rating", "actor_id")
