"""What travels over HTTP of automatic generation: generations, proposals, detectors. `schemas` has the rules."""

from typing import Annotated, Any, Literal

from pydantic import Field

from backend.api.schemas import Annotation, Answer, Body, Id, Time

MadeBy = Literal["automatic", "detector"]
Score = Annotated[float | None, Field(default=None, ge=0, le=1)]


class GenerationSettings(Body):
    """Fields of the automatic mask generator; what is left out is as the preset of the model's family has it."""

    points_per_side: int | None = Field(default=None, ge=1, le=128, description="Of the grid of points.")
    pred_iou_thresh: float | None = Field(default=None, ge=0, le=1, description="Masks predicted worse go; 0: none.")
    stability_score_thresh: float | None = Field(default=None, ge=0, le=1, description="Less stable ones go; 0: none.")
    box_nms_thresh: float | None = Field(default=None, ge=0, le=1, description="Of two that overlap more, one goes.")
    nms: Literal["box", "mask"] | None = None
    crop_n_layers: int | None = Field(default=None, ge=0, le=2, description="Looks again at 4 and 16 crops.")
    min_mask_region_area: int | None = Field(default=None, ge=0, le=1_000_000, description="Pixels of holes, islands.")
    min_mask_area: int | None = Field(default=None, ge=1, le=100_000_000, description="Smaller masks go; pixels.")
    max_mask_share: float | None = Field(default=None, gt=0, le=1, description="Larger masks go; share of the image.")


class GenerationIn(Body):
    source: MadeBy = Field(default="automatic", description="A grid of points, or the boxes of the project's detector.")
    images: Literal["all", "empty", "unfinished"] = Field(
        default="all", description="`empty`: without an accepted annotation; `unfinished`: not complete."
    )
    model_version_id: Id | None = Field(default=None, description="Left out: the project's active version.")
    settings: GenerationSettings = Field(default_factory=GenerationSettings)
    min_box_score: float = Field(default=0.3, ge=0, le=1, description="Of a detector's boxes.")


class Generation(Answer):
    id: str
    project_id: str
    model_version_id: str
    source: MadeBy
    settings: dict[str, Any] = Field(description="All settings as they were used.")
    state: Literal["queued", "running", "paused", "cancelled", "done"]
    image_count: int
    waiting_count: int
    done_count: int
    failed_count: int
    skipped_count: int = Field(description="Erased meanwhile, or held by somebody when its turn came.")
    mask_count: int = Field(description="Proposals that it made.")
    seconds: float = Field(description="Time of work, of all workers together.")
    images_per_minute: float | None = Field(description="At the number of workers that are at it now.")
    seconds_left: float | None = Field(description="Null when nobody works on it or nothing is known yet.")
    reason: str = Field(description="Why it was cancelled, where no person did that.")
    actor_id: str | None = Field(description="Null where it began by itself, with another model version.")
    created_at: Time
    changed_at: Time


class GenerationList(Answer):
    generations: list[Generation]


class GenerationImage(Answer):
    image_id: str
    file_name: str
    state: Literal["queued", "done", "failed", "skipped"]
    mask_count: int
    seconds: float
    failure: str | None


class GenerationImageList(Answer):
    images: list[GenerationImage]
    next: str | None = Field(description="`after` of the next page; null at the end.")


class Proposal(Annotation):
    confident: bool = Field(description="Whether its scores reach the limits.")


class ProposalList(Answer):
    source: MadeBy
    min_predicted_iou: float | None
    min_stability: float | None
    proposals: list[Proposal]


class PreviewImage(Answer):
    image_id: str
    kept: int
    proposals: list[Proposal] = Field(description="Best predicted IoU first.")


class Preview(Answer):
    """All proposals of a sample with their scores, so that a page can move the limits without asking again."""

    source: MadeBy
    min_predicted_iou: float | None
    min_stability: float | None
    kept: int
    total: int
    images: list[PreviewImage]


class Acceptance(Body):
    source: MadeBy | None = Field(default=None, description="Left out: as the project's policy says.")
    min_predicted_iou: Score
    min_stability: Score
    all: bool = Field(default=False, description="Also those that are not confident.")


class Accepted(Answer):
    accepted: int


class DetectorIn(Body):
    minutes: float = Field(default=3.0, gt=0, le=240, description="Length of the training.")


class Detector(Answer):
    id: str
    project_id: str
    round_id: str | None
    encoder_digest: str
    state: Literal["training", "ready", "failed"]
    figures: dict[str, Any] = Field(description="AP50, AP and recall of its boxes on images held out.")
    failure: str | None
    created_at: Time
    changed_at: Time


class DetectorList(Answer):
    detectors: list[Detector]
