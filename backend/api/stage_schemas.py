"""What travels over HTTP of stages, policies and assignments. `schemas` has the rules."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from backend.api.schemas import Answer, Body, Id, Time

Stage = Literal["assisted_manual", "semi_automatic", "fully_automatic"]
By = Literal["manual", "automatic"]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]

# --- policy: as in backend/engine/policy.py, which explains and checks each field ------------------------------------


class TriggerPolicy(Answer):
    every_masks: int | None = Field(description="New masks of people after which a round starts; null: never.")
    schedule_hours: float | None = Field(description="Hours between rounds that start by themselves; null: none do.")


class TrainingPolicy(Answer):
    mode: Literal["decoder", "full", "auto"]
    minutes: float
    human_weight: float = Field(description="How often a mask of a person counts against an automatic one.")
    exclude_actors: list[str] = Field(description="Ids of annotators whose masks are left out.")
    sources: Literal["all", "human", "automatic"]
    include_older: bool = Field(description="Also masks that an earlier round trained on already.")
    held_out_share: float = Field(description="Share of the groups of images that are never trained on.")


class GatePolicy(Answer):
    points: float = Field(description="What mIoU may lose at most, in hundredths, by the lower end of the interval.")
    clicks: float = Field(description="How many clicks more may be needed, by the upper end of the interval.")
    slice_points: float = Field(description="What mIoU may lose at most in any slice, in hundredths.")
    slice_masks: int = Field(description="Smaller slices are not judged.")
    mask_count: float = Field(description="Share by which the number of automatic masks may differ.")
    held_out_images: int = Field(description="With fewer held-out images a round proves nothing.")
    parity_logits: float
    parity_iou: float


class ConfidentPolicy(Answer):
    source: Literal["automatic", "detector"]
    min_predicted_iou: float | None
    min_stability: float | None


class ProposingPolicy(Answer):
    by_itself: bool = Field(description="New proposals when another version serves, from the semi-automatic stage on.")
    points_per_side: int | None = Field(description="Of the grid of points; null: as the model's family has it.")
    min_box_score: float = Field(description="Of a detector's boxes.")


class StageNeeds(Answer):
    masks: int | None = Field(description="Accepted masks that were made in the stage; null asks for nothing.")
    rounds: int | None = Field(description="Rounds promoted since the stage began.")
    acceptance: float | None = Field(description="Share of the decided proposals that were accepted as they were.")
    audit: float | None = Field(description="Share of the last closed audit's masks with an IoU above 0.90.")


class StagePolicy(Answer):
    advance: By = Field(description="Whether a step that is due happens by itself.")
    assisted_manual: StageNeeds
    semi_automatic: StageNeeds


class ProjectPolicy(Answer):
    trigger: TriggerPolicy
    training: TrainingPolicy
    gates: GatePolicy
    promotion: By = Field(description="Whether a round that passes every gate is promoted by itself.")
    confident: ConfidentPolicy
    proposals: ProposingPolicy
    stages: StagePolicy


class PolicyIn(Body):
    policy: dict[str, Any] = Field(
        description="The policy anew, in the form in which it is read; what is left out gets its default.",
        examples=[{"trigger": {"every_masks": 200}, "stages": {"advance": "automatic"}}],
    )


# --- stages ---------------------------------------------------------------------------------------------------------


class Condition(Answer):
    name: Literal["masks", "rounds", "acceptance", "audit"]
    now: float | None = Field(description="Null while too little was observed for a share.")
    needed: float
    met: bool


class StageRule(Answer):
    to_stage: Stage | None = Field(description="Null in the last stage.")
    conditions: list[Condition]
    due: bool = Field(description="Every condition is met.")


class StageNumbers(Answer):
    masks: int = Field(description="Accepted masks that were made in this stage.")
    rounds: int = Field(description="Rounds promoted since the stage began.")
    decided: int = Field(description="Proposals that people decided on since the stage began.")
    accepted: int = Field(description="Those of them that were accepted as they were.")
    audited: int = Field(description="Masks corrected in the last closed audit.")
    above: int = Field(description="Those of them whose IoU with the correction is above 0.90.")


class SinceLastRound(Answer):
    round_number: int | None = Field(description="The last round; null before the first.")
    began_at: Time | None
    human_masks: int = Field(description="Accepted masks by people since it began; ever, before the first.")
    automatic_masks: int = Field(description="Accepted masks that a model made.")
    images: int = Field(description="Images with such masks.")


class ProjectStage(Answer):
    stage: Stage
    since: Time
    advance: By
    rule: StageRule
    numbers: StageNumbers
    acceptance: float | None = Field(description="Share of the decided proposals that were accepted; null: too few.")
    since_last_round: SinceLastRound


class StageStep(Body):
    to: Stage
    reason: Reason = Field(default="", description="Needed unless the rule asks for this step.")


class StageChange(Answer):
    id: str
    from_stage: Stage
    to_stage: Stage
    cause: Literal["rule", "admin"]
    actor_id: str | None
    actor_name: str | None = Field(description="Null when the rule took the step.")
    reason: str
    numbers: StageNumbers
    created_at: Time


class StageHistory(Answer):
    changes: list[StageChange]


# --- assignments ----------------------------------------------------------------------------------------------------


class Holder(Answer):
    actor_id: str
    name: str


class Assignment(Answer):
    image_id: str
    holder: Holder | None = Field(description="Who works on the image now; null: nobody.")
    mine: bool
    lease_expires_at: Time | None = Field(description="Renew before this time by taking the image again.")


class NextIn(Body):
    after: Id | None = Field(default=None, description="The image to leave; the search goes on behind it.")
    skip: bool = Field(default=False, description="Do not offer the image that is left to me again.")


class TakeIn(Body):
    take_over: bool = Field(default=False, description="Also when somebody else is working on it.")
