"""What travels over HTTP: one pydantic model per noun, the source of the OpenAPI document and of the page's types.

Requests are strict: unknown fields, booleans for numbers, digits in strings and non-finite floats are refused.
Sizes are (height, width), points (x, y) and boxes xywh in image pixels, times ISO 8601 in UTC.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
DIGEST_PATTERN = r"^[0-9a-f]{64}$"
CONTROL_FREE = r"^[^\x00-\x1f\x7f]*$"

Responses = dict[int | str, dict[str, Any]]

Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=CONTROL_FREE)]
Text = Annotated[str, StringConstraints(max_length=10_000)]


def _in_utc(value: object) -> object:
    """SQLite gives naive times; every time in the database is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


Time = Annotated[datetime, BeforeValidator(_in_utc)]


class Answer(BaseModel):
    """A response body, readable from database rows and dicts."""

    model_config = ConfigDict(from_attributes=True)


class Body(BaseModel):
    """A request body: strict, and nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Problem(Answer):
    """The one form of every error."""

    error: str = Field(description="Stable code for programs.", examples=["not_found"])
    detail: str = Field(description="One sentence for people.", examples=["There is no such image."])


# --- health and sign-in ---------------------------------------------------------------------------------------------


class WorkerHealth(Answer):
    alive: bool = Field(description="A worker was seen within the last half minute.")
    seen_at: Time | None = Field(description="When a worker last gave a sign of life.")


class Health(Answer):
    status: Literal["ok", "degraded"]
    version: str
    database: bool
    storage: bool
    worker: WorkerHealth


class Me(Answer):
    id: str
    name: str
    kind: Literal["person", "token", "model"]


# --- projects and categories ----------------------------------------------------------------------------------------


class Category(Answer):
    id: str
    project_id: str
    name: str
    supercategory: str
    colour: int = Field(description="Index into the palette of twelve.", ge=0, le=11)
    position: int


class CategoryList(Answer):
    categories: list[Category]


class CategoryIn(Body):
    name: Name = Field(examples=["car"])
    supercategory: Annotated[str, StringConstraints(max_length=200, pattern=CONTROL_FREE)] = ""
    colour: int | None = Field(default=None, ge=0, le=11, description="Without it, the next free colour.")


class CategoryChange(Body):
    name: Name | None = None
    supercategory: Annotated[str, StringConstraints(max_length=200, pattern=CONTROL_FREE)] | None = None
    colour: int | None = Field(default=None, ge=0, le=11)
    position: int | None = Field(default=None, ge=0, le=100_000)


class Project(Answer):
    id: str
    name: str
    description: str
    stage: Literal["assisted_manual", "semi_automatic", "fully_automatic"]
    active_version_id: str | None = Field(description="The model version that serves this project.")
    revision: int
    image_count: int
    queued_image_count: int = Field(description="Images that wait to be read.")
    failed_image_count: int
    embedded_image_count: int = Field(description="Images whose embedding for the active version is ready.")
    complete_image_count: int
    annotated_image_count: int = Field(description="Images with at least one accepted annotation.")
    annotation_count: int = Field(description="Accepted annotations.")
    cover_image_ids: list[str] = Field(description="Up to four images that are ready to show.")
    categories: list[Category]
    created_at: Time
    changed_at: Time


class ProjectList(Answer):
    projects: list[Project]


class ProjectIn(Body):
    name: Name = Field(examples=["Street scenes"])
    description: Text = ""


class ProjectChange(Body):
    name: Name | None = None
    description: Text | None = None
    active_version_id: Id | None = None
    revision: int | None = Field(default=None, description="Refuse the change when the project has moved on.")


# --- images ---------------------------------------------------------------------------------------------------------


class EmbeddingState(Answer):
    encoder_digest: str | None = Field(description="Of the project's active model version.")
    state: Literal["queued", "ready", "failed", "none"]


class Image(Answer):
    id: str
    project_id: str
    file_name: str = Field(description="As uploaded, with the relative path of its folder.")
    state: Literal["queued", "ready", "failed", "erased"]
    failure: str | None = Field(description="Why the image could not be read.")
    height: int | None
    width: int | None
    file_digest: str
    pixel_digest: str | None
    group_key: str
    position: int
    annotation_count: int
    complete: bool
    embedding: EmbeddingState
    created_at: Time


class ImagePage(Answer):
    images: list[Image]
    next: str | None = Field(description="Give this as `after` to get the next page; null on the last.")
    total: int


class Refusal(Answer):
    file_name: str
    reason: str = Field(examples=["The file is cut off: it ends before the picture does."])
    code: str = Field(examples=["truncated"])


class Upload(Answer):
    accepted: list[Image] = Field(description="New images, waiting to be read.")
    duplicates: list[Image] = Field(description="Files whose bytes the project already holds.")
    refused: list[Refusal] = Field(description="Files that are not taken, each with its reason.")


class Completeness(Body):
    complete: bool


# --- annotations ----------------------------------------------------------------------------------------------------

Coordinate = Annotated[float, Field(ge=0, lt=1_000_000)]
AtMs = Annotated[float, Field(ge=0, le=1e12, description="Milliseconds since the first prompt of this mask.")]
Candidate = Annotated[int, Field(ge=0, le=3, description="0 = single mask, 1 to 3 = ambiguity.")]


def _no_boolean(value: object) -> object:
    """Python takes true for 1; the page must not."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Label = Annotated[Literal[-1, 0, 1, 2, 3], BeforeValidator(_no_boolean)]


class PointPrompt(Body):
    kind: Literal["point"]
    x: Coordinate
    y: Coordinate
    label: Label = Field(description="1 adds to the mask, 0 takes away; 2, 3: a box's corners; -1: padding.")
    at_ms: AtMs = 0
    candidate: Candidate | None = Field(default=None, description="What was shown after this prompt.")


class BoxPrompt(Body):
    kind: Literal["box"]
    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate
    at_ms: AtMs = 0
    candidate: Candidate | None = Field(default=None, description="What was shown after this prompt.")


class MaskPrompt(Body):
    kind: Literal["mask"]
    at_ms: AtMs = 0
    candidate: Candidate | None = Field(default=None, description="What was shown after this prompt.")


Prompt = Annotated[PointPrompt | BoxPrompt | MaskPrompt, Field(discriminator="kind")]
Source = Literal["click", "box", "brush", "polygon", "proposal", "automatic", "detector", "import"]
Seconds = Annotated[float, Field(ge=0, le=10_000_000)]
Attributes = Annotated[dict[str, Any], Field(description="Anything small that belongs to the object (at most 16 KiB).")]


EXAMPLE_MASK: dict[str, Any] = {
    "id": "0b8f6f0e-5d0e-4c61-9f7d-0c3f3a6f1d52",
    "size": [60, 80],
    "counts": "0l1Td4",
    "source": "click",
    "prompts": [{"kind": "point", "x": 0.5, "y": 30.0, "label": 1, "at_ms": 0}],
    "chosen_candidate": 2,
    "predicted_iou": 0.93,
}


class AnnotationIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_MASK]})

    id: Id = Field(description="Made by the client: sending the same annotation twice gives the same answer.")
    size: list[int] = Field(min_length=2, max_length=2, description="[height, width] of the image.")
    counts: str = Field(min_length=1, max_length=16 * 1024 * 1024, description="Compressed COCO run lengths.")
    category_id: Id | None = None
    parent_id: Id | None = Field(default=None, description="The whole of which this is a part.")
    supersedes_id: Id | None = Field(default=None, description="The annotation that this one replaces.")
    source: Source
    model_version_id: Id | None = None
    prompts: list[Prompt] = Field(default_factory=list, max_length=64)
    chosen_candidate: Candidate | None = None
    predicted_iou: float | None = Field(default=None, ge=-10, le=10)
    stability: float | None = Field(default=None, ge=0, le=1)
    attributes: Attributes = Field(default_factory=dict)
    active_seconds: Seconds = 0
    wall_seconds: Seconds = 0
    brush_edits: int = Field(default=0, ge=0, le=1_000_000)


class Annotation(Answer):
    id: str
    image_id: str
    actor_id: str
    size: list[int] = Field(description="[height, width] of the image.")
    counts: str = Field(description="Compressed COCO run lengths.")
    category_id: str | None
    parent_id: str | None
    supersedes_id: str | None
    source: Source
    state: Literal["accepted", "proposed", "rejected", "superseded", "deleted", "withdrawn"]
    revision: int
    flag: str | None = Field(description="What a person finds wrong with it.")
    decided_by_id: str | None = Field(description="Who accepted or rejected this proposal.")
    decided_at: Time | None
    generation_id: str | None = Field(description="The run of the model that proposed it.")
    model_version_id: str | None
    prompts: list[PointPrompt | BoxPrompt | MaskPrompt]
    chosen_candidate: int | None
    predicted_iou: float | None
    stability: float | None
    attributes: dict[str, Any]
    active_seconds: float
    wall_seconds: float
    brush_edits: int
    area: int = Field(description="Pixels.")
    bbox: list[int] = Field(description="[x, y, width, height] in pixels.")
    created_at: Time
    changed_at: Time


class AnnotationList(Answer):
    annotations: list[Annotation]


class AnnotationChange(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"revision": 1, "category_id": None}]})

    revision: int = Field(
        ge=1, lt=2**31, description="The revision that was seen; another one answers 409 `stale_revision`."
    )
    category_id: Id | None = Field(default=None, description="Null takes the category away; leave out to keep it.")
    attributes: Attributes | None = None
    flag: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=CONTROL_FREE)] | None = Field(
        default=None, description="What is wrong with it, for others to see; null takes the flag away."
    )


# --- models, exports, jobs ------------------------------------------------------------------------------------------


class ModelVersion(Answer):
    id: str
    name: str
    version: str
    digest: str
    encoder_digest: str
    manifest: dict[str, Any] = Field(description="The release's own release.json.")


class ModelVersionList(Answer):
    model_versions: list[ModelVersion]


class ExportIn(Body):
    format: Literal["coco-rle"] = "coco-rle"
    with_images: bool = False


class ExportCounts(Answer):
    images: int = 0
    annotations: int = 0
    categories: int = 0


class Export(Answer):
    id: str
    project_id: str
    format: str
    with_images: bool
    state: Literal["queued", "ready", "failed"]
    digest: str | None = Field(description="SHA-256 of the archive.")
    byte_size: int | None
    counts: ExportCounts
    failure: str | None
    created_at: Time


class ExportList(Answer):
    exports: list[Export]


class Job(Answer):
    id: str
    kind: str
    state: Literal["queued", "running", "done", "dead", "cancelled"]
    attempts: int
    done_count: int
    total_count: int
    message: str
    failure: str | None
    created_at: Time
    changed_at: Time


class JobList(Answer):
    jobs: list[Job]
