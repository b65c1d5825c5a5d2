"""How many clicks an annotation took, beside its prompts, and an index of all that the effort table reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As backend/engine/effort.py counts them: boxes, and points that add or take away.
SQLITE = """UPDATE annotation SET clicks = (SELECT count(*) FROM json_each(annotation.prompts) AS one
    WHERE json_extract(one.value, '$.kind') = 'box'
    OR (json_extract(one.value, '$.kind') = 'point' AND json_extract(one.value, '$.label') IN (0, 1)))
    WHERE prompts <> '[]'"""
POSTGRESQL = """UPDATE annotation SET clicks = (SELECT count(*) FROM jsonb_array_elements(annotation.prompts) AS one
    WHERE one->>'kind' = 'box' OR (one->>'kind' = 'point' AND one->>'label' IN ('0', '1')))
    WHERE prompts <> '[]'"""

EFFORT = [
    *("project_id", "image_id", "stage", "model_version_id", "actor_id", "source", "state", "supersedes_id"),
    *("decided_by_id", "active_seconds", "wall_seconds", "clicks", "brush_edits", "id"),
]


def upgrade() -> None:
    op.add_column("annotation", sa.Column("clicks", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.execute(SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL)
    op.create_index("ix_annotation_effort", "annotation", EFFORT)


def downgrade() -> None:
    op.drop_index("ix_annotation_effort", "annotation")
    op.drop_column("annotation", "clicks")
