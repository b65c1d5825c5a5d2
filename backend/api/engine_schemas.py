"""What travels over HTTP of the engine: stages, rounds, proposals, audits, ratings, effort. `schemas` has the rules."""

from typing import Annotated, Any, Literal

from pydantic import Field

from backend.api.schemas import Answer, Body, BoxPrompt, Id, MaskPrompt, Name, PointPrompt, Text, Time

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
    reason: Text = Field(default="", description="Needed where the gate report does not recommend the candidate.")
    seen_version_id: Id | None = Field(
        default=None, description="Against the report: the active version that the page showed."
    )


class RejectIn(Body):
    reason: Text = ""


class RollbackIn(Body):
    reason: Text
    to_version_id: Id | None = Field(default=None, description="Any version that served before; default: the last.")
    seen_version_id: Id | None = Field(default=None, description="The active version that the page showed.")


# --- ratings --------------------------------------------------------------------------------------------------------


class ScaleStep(Answer):
    low: int
    high: int
    words: str


class RatingGuidelines(Answer):
    version: str
    scale: list[ScaleStep]
    questions: list[str]
    errors: list[str]
    no_errors: list[str] = Field(description="What is no error.")


class RatingTaskIn(Body):
    name: Name
    kind: Literal["stored", "prompted"] = Field(
        description="`stored`: masks as they are. `prompted`: masks of people, and what versions make of a point."
    )
    sources: list[Literal["people"] | Id] = Field(
        min_length=1, max_length=8, description="`people`, and ids of model versions."
    )
    masks: int = Field(ge=1, le=2_000, description="Masks of each source.")
    raters_per_mask: int = Field(default=1, ge=1, le=20)
    seed: Seed | None = None


class RatedSource(Answer):
    source: str = Field(description="`people`, or the id of a model version.")
    name: str
    mean: Figure
    histogram: list[int] = Field(description="How often 1, 2, ... 10 was given.")


class RatingComparison(Answer):
    first: str
    second: str
    difference: Figure = Field(description="First minus second on the objects that both segmented.")
    p_value: float = Field(description="Of the paired t-test, two-sided.")
    bootstrap_low: float = Field(description="Of the 99 % interval over 10,000 resamples of the pairs.")
    bootstrap_high: float


class RatingTask(Answer):
    id: str
    project_id: str
    name: str
    kind: Literal["stored", "prompted"]
    seed: int
    state: Literal["preparing", "open", "closed", "failed"]
    failure: str | None
    raters_per_mask: int
    guidelines_version: str
    created_at: Time
    mask_count: int
    rating_count: int
    sources: list[RatedSource] = Field(description="Those that have ratings.")
    comparisons: list[RatingComparison]
    figures: list[Figure] = Field(description="Agreement between raters, seconds per rating.")


class RatingTaskList(Answer):
    rating_tasks: list[RatingTask]


class RatingView(Answer):
    """One of five pictures of a mask."""

    name: str
    picture: bool = Field(description="Whether the image is drawn.")
    mask: Literal["none", "red_overlay", "yellow_on_purple"]
    prompt: bool = Field(description="Whether the prompt, if there is one, is drawn: a blue dot, a blue and white box.")
    crop: list[int] = Field(description="[x, y, width, height]: the part of the image to show.")


class RatingEntry(Answer):
    """A mask to rate, without a word of where it comes from."""

    id: str
    rating_task_id: str
    image_id: str
    size: list[int] = Field(description="[height, width] of the image.")
    counts: str = Field(description="Compressed COCO run lengths.")
    bbox: list[int] = Field(description="[x, y, width, height] in pixels.")
    prompt: PointPrompt | BoxPrompt | None
    views: list[RatingView]
    lease_expires_at: Time


class RatingIn(Body):
    score: int = Field(ge=1, le=10)
    seconds: float = Field(ge=0, le=86_400, description="Time that this mask was looked at.")


# --- rounds ---------------------------------------------------------------------------------------------------------


class RoundIn(Body):
    steps: Literal["all", "train"] = Field(
        default="all", description="`train`: rest once there is a candidate; its evaluation is asked for separately."
    )
    candidate_version_id: Id | None = Field(
        default=None, description="Train nothing: compare this model version with the active one."
    )


class RoundCounts(Answer):
    """What a round would learn from, and be judged by."""

    train_images: int
    human_masks: int
    automatic_masks: int
    held_out_images: int
    held_out_masks: int


class RoundPreview(Answer):
    counts: RoundCounts
    new_masks: int = Field(description="Accepted masks that people made since the last round began.")


class Round(Answer):
    id: str
    project_id: str
    number: int
    state: Literal[
        "frozen", "training", "trained", "evaluating", "judged", "promoted", "rejected", "failed", "cancelled"
    ]
    steps: Literal["all", "train"]
    trigger: Literal["admin", "masks", "schedule", "simulation"]
    policy: dict[str, Any] = Field(description="The project's policy as it was when the round began.")
    base_version: VersionName | None = Field(description="The version it went on from, and was compared with.")
    candidate_version: VersionName | None
    snapshot_id: str | None
    figures: dict[str, Any] = Field(
        description="What is known so far: `counts`, `training`, and after the evaluation `held_out` of both versions."
    )
    gate_report: dict[str, Any] | None = Field(
        description="{decision, overridable, words, gates: [{name, kind, passed, words, figures}]}"
    )
    decision: Literal["promote", "reject", "insufficient_evidence"] | None
    decided_by: str | None
    reason: str
    failure: str | None
    started_at: Time | None
    ended_at: Time | None


class RoundProgress(Answer):
    job_id: str
    kind: Literal["freeze", "train", "evaluate"]
    state: Literal["queued", "running", "dead"]
    done: int
    total: int
    message: str
    failure: str | None


class RoundDetail(Round):
    curve: list[dict[str, Any]] = Field(
        description="Training so far, a row every few steps: step, progress, loss, learning_rate and more."
    )
    progress: RoundProgress | None = Field(description="The job that is at it, or that gave up.")


class RoundList(Answer):
    rounds: list[Round]
