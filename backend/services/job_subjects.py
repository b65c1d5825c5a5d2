"""What becomes of the thing that a job works on when the job is given up, and when it is taken up again."""

from __future__ import annotations

from sqlalchemy import update

from backend.db.models import Detector, Embedding, Export, Image, Job
from backend.services import detectors, embeddings, exports, generations, images, ratings, round_moves
from backend.uow import UnitOfWork

ROUND_JOBS = ("freeze", "train", "evaluate")


def given_up(uow: UnitOfWork, job: Job, reason: str) -> None:
    """The last attempt failed, or somebody cancelled: the image, embedding or export has failed with the reason."""
    args = job.args
    if job.kind == "ingest":
        images.mark_failed(uow, args["image_id"], reason)
    elif job.kind == "embed":
        embeddings.mark_failed(uow, args["encoder_digest"], args["pixel_digest"], reason)
    elif job.kind == "export":
        exports.mark_failed(uow, args["export_id"], reason)
    elif job.kind == "prepare_ratings":
        ratings.mark_failed(uow, args["rating_task_id"], reason)
    elif job.kind == "generate":
        generations.given_up(uow, job, reason)
    elif job.kind == "train_detector":
        detectors.mark_failed(uow, args["detector_id"], reason)
    elif job.kind in ROUND_JOBS:
        round_moves.given_up(uow, args["round_id"], reason)


def taken_up(uow: UnitOfWork, job: Job) -> None:
    """A dead or cancelled job waits again, so what had failed is queued again."""
    args, again = job.args, {"state": "queued", "failure": None}
    if job.kind in ("withdraw", "renew", "follow"):
        return  # they work on what they find
    if job.kind == "generate":
        return  # its images wait in other jobs or have failed; to retry them is a step of the generation
    if job.kind in ROUND_JOBS:
        round_moves.taken_up(uow, args["round_id"], job.kind)
        return
    if job.kind == "prepare_ratings":
        ratings.prepare_again(uow, args["rating_task_id"])
        return
    if job.kind == "ingest":
        statement = update(Image).where(Image.id == args["image_id"], Image.state == "failed")
    elif job.kind == "embed":
        same = (Embedding.encoder_digest == args["encoder_digest"], Embedding.pixel_digest == args["pixel_digest"])
        statement = update(Embedding).where(*same, Embedding.state == "failed")
    elif job.kind == "train_detector":
        statement = update(Detector).where(Detector.id == args["detector_id"], Detector.state == "failed")
        again["state"] = "training"
    else:
        statement = update(Export).where(Export.id == args["export_id"], Export.state == "failed")
    uow.session.execute(statement.values(**again), execution_options={"synchronize_session": "fetch"})
