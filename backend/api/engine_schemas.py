"""What travels over HTTP of the engine: stages, rounds, proposals, audits, ratings, effort. `schemas` has the rules."""

from typing import Annotated, Literal

from pydantic import Field

from backend.api.schemas import Answer, Body, BoxPrompt, Id, MaskPrompt, PointPrompt, Time

# --- figures --------------------------------------------------------------------------------------------------------

Seed = Annotated[int, Field(ge=0, lt=2**53, description="What chance goes by: the same seed draws the same sample.")]


class Figure(Answer):
    """A number with its interval: 95 %, unless it says otherwise."""

    name: str
    value: float | None = Field(description="Null when nothing was observed yet.")
    n: int = Field(description="Observations.")
    unit: Literal["share", "seconds", "hours", "count", "score"]
    low: float | None
    high: float | None
    paper: str | None = Field(description="What the Segment Anything paper published under this name.")


# --- audits ---------------------------------------------------------------------------------------------------------


class AuditIn(Body):
    sample_size: int = Field(ge=1, le=10_000)
    seed: Seed | None = None
    generation_id: Id | None = Field(default=None, description="Only masks of this run of automatic generation.")


class AuditBar(Answer):
    iou_above: float
    share: Figure
    published: float
    reaches_published: bool | None = Field(
        description="Whether the whole interval lies above (below) the published share; null: it holds it."
    )


class Audit(Answer):
    id: str
    project_id: str
    generation_id: str | None
    seed: int
    sample_size: int
    state: Literal["open", "closed"]
    created_at: Time
    done_count: int
    leased_count: int = Field(description="Entries that somebody corrects now.")
    bars: list[AuditBar]
    figures: list[Figure]
    sizes: list[Figure] = Field(description="The share above IoU 0.90 by the automatic mask's size, in COCO's bounds.")


class AuditList(Answer):
    audits: list[Audit]


class AuditEntry(Answer):
    """An automatic mask to correct to the pixel."""

    id: str
    audit_id: str
    lease_expires_at: Time
    image_id: str
    size: list[int] = Field(description="[height, width] of the image.")
    counts: str = Field(description="The automatic mask, in compressed COCO run lengths.")
    bbox: list[int] = Field(description="[x, y, width, height] in pixels.")
    prompts: list[PointPrompt | BoxPrompt | MaskPrompt] = Field(description="What the mask was made from.")


class Correction(Body):
    counts: str | None = Field(
        min_length=1, max_length=16 * 1024 * 1024, description="The right mask; null: there is no object (IoU 0)."
    )
    seconds: float = Field(ge=0, le=86_400, description="Active time of this correction.")


class Corrected(Answer):
    iou: float


# --- effort ---------------------------------------------------------------------------------------------------------


class EffortRow(Answer):
    key: str | None = Field(description="The stage, the model version's id or the person's; null: none is named.")
    name: str
    round: int | None = Field(description="The round that made this model version.")
    image_count: int
    mask_count: int = Field(description="Masks that stand: begun here, or proposals accepted as they are.")
    figures: list[Figure]


class EffortTable(Answer):
    stages: list[EffortRow]
    versions: list[EffortRow]
    annotators: list[EffortRow]


# --- promotions -----------------------------------------------------------------------------------------------------

Reason = Annotated[str, Field(max_length=2000)]


class VersionName(Answer):
    id: str
    name: str
    version: str
    digest: str


class ActorName(Answer):
    id: str
    name: str


class Promotion(Answer):
    """The active model version of a project moved."""

    id: str
    kind: Literal["promotion", "override", "rollback", "manual"] = Field(
        description="`promotion`: with the gate report; `override`: against it; `manual`: outside of rounds."
    )
    from_version_id: str | None
    to_version_id: str
    from_version: VersionName | None
    to_version: VersionName
    round_id: str | None
    round_number: int | None
    trained_from_id: str | None = Field(description="The version that this round's candidate was trained from.")
    actor: ActorName | None = Field(description="Null: the policy, or the first model version of the installation.")
    reason: str
    created_at: Time


class PromotionList(Answer):
    promotions: list[Promotion]


class PromoteIn(Body):
    reason: Reason = Field(default="", description="Needed where the gate report does not recommend the candidate.")
    seen_version_id: Id | None = Field(
        default=None, description="Against the report: the active version that the page showed."
    )


class RejectIn(Body):
    reason: Reason = ""


class RollbackIn(Body):
    reason: Reason
    to_version_id: Id | None = Field(default=None, description="Any version that served before; default: the last.")
    seen_version_id: Id | None = Field(default=None, description="The active version that the page showed.")
