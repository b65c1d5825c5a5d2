"""`train_detector`: teach a box detector on a project's masks, resumable; and the boxes that a stored one finds."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.db.models import Detector, ModelVersion
from backend.engine import policy
from backend.errors import Invalid
from backend.runtime import Runtime
from backend.services import detectors, model_versions, projects, snapshots
from backend.storage import keys
from workers import embeddings
from workers.job import JobContext, job
from workers.machine import settle

if TYPE_CHECKING:
    from torch import Tensor

    from segmenter.detection import Boxes
    from segmenter.modeling.detector import Detector as DetectorModel
    from segmenter.modeling.detector import DetectorConfig

LEAST_SCORE = 0.05  # of the boxes that are judged; the average precision looks at all scores


@job("train_detector", queue="train")
def train_detector(work: JobContext, detector_id: str, model_version_id: str, minutes: float) -> None:
    """Train, judge on the images held out, store; an attempt after a killed one goes on from its checkpoint."""
    settle()
    with work.runtime.read() as session:
        row = session.get_one(Detector, detector_id)
        project = projects.find(session, row.project_id)
        version = model_versions.find(session, model_version_id)
        seen, stored = detectors.seen(session, project.id), snapshots.of_project(session, project.id)
    if row.state == "ready":
        return
    share = snapshots.share_of(stored, policy.of_project(project.policy).training.held_out_share)
    learned, out = _parted(seen, snapshots.history_of(work.runtime.storage, stored).held_out, share)
    folder = work.runtime.settings.data_dir / "cache" / "detectors" / detector_id
    file = _trained(work, version, learned, minutes, folder)
    figures = _judged(work, version, file, out)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    key = keys.detector_key(digest)
    work.runtime.storage.put_file(key, file)
    with work.commit() as uow:
        detectors.mark_ready(uow, detector_id, digest, key, figures)
    shutil.rmtree(folder, ignore_errors=True)


def _parted(
    seen: Sequence[detectors.Seen], held_out: AbstractSet[str], share: float
) -> tuple[list[detectors.Seen], list[detectors.Seen]]:
    """What is learned from, and what is held out: by the rule of rounds, and whatever any of them held out before."""
    from segmenter.training.freezing import is_held_out

    out = [
        one
        for one in seen
        if is_held_out(one.group_key, share) or one.group_key in held_out or one.pixel_digest in held_out
    ]
    away = {one.pixel_digest for one in out}
    return [one for one in seen if one.pixel_digest not in away], out


def _trained(
    work: JobContext, version: ModelVersion, seen: Sequence[detectors.Seen], minutes: float, folder: Path
) -> Path:
    import torch

    from segmenter.detection import fitting_config, to_shares
    from segmenter.training.detect import FILE, RECIPE, Sight, learn_boxes

    if not seen:
        raise Invalid("every image with masks is held out: there is nothing to learn from", code="no_masks")
    frame = version.manifest["frame"]
    config = fitting_config(version.manifest["embedding"], frame)
    sights = []
    for number, one in enumerate(seen):
        work.progress(number, len(seen), "embeddings")
        levels = _kept(work, version, config, one.pixel_digest, folder / "levels")
        shares = to_shares(_corners(one), one.size, frame)
        sights.append(Sight(levels, torch.from_numpy(shares).float()))

    def report(metrics: dict[str, Any]) -> None:
        work.progress(round(1000 * metrics["progress"]), 1000, f"step {metrics['step']}, loss {metrics['loss']:.3f}")

    def lost() -> bool:
        work.check()
        return False

    learn_boxes(sights, config, replace(RECIPE, minutes=minutes), folder, report, lost)
    return folder / FILE


def _corners(one: detectors.Seen) -> Boxes:
    import numpy as np

    boxes = np.array(one.boxes, np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _kept(
    work: JobContext, version: ModelVersion, config: DetectorConfig, pixel_digest: str, folder: Path
) -> Callable[[], Mapping[str, Tensor]]:
    """The levels that a detector reads, as a file of this machine, half precision; read anew at every call."""
    from safetensors.torch import load_file, save_file

    file = folder / f"{pixel_digest}.safetensors"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tensors = embeddings.embedding_of(work, version, pixel_digest).tensors
        partial = file.with_suffix(".partial")
        save_file({name: tensors[name].half().contiguous() for name, _ in config.levels}, partial)
        partial.replace(file)
    return lambda: load_file(file)


def _judged(work: JobContext, version: ModelVersion, file: Path, out: Sequence[detectors.Seen]) -> dict[str, Any]:
    """AP50 and more of the boxes on images that were held out."""
    from segmenter.detection import box_figures, find_boxes, load_detector

    detector = load_detector(file)
    found = []
    for one in out:
        work.check()
        found.append(find_boxes(detector, embeddings.embedding_of(work, version, one.pixel_digest), LEAST_SCORE))
    return {"held_out": box_figures(found, [_corners(one) for one in out])}


def load(runtime: Runtime, row: Detector) -> DetectorModel:
    """The detector of a row that is ready; raises Invalid where its stored file is damaged."""
    from segmenter.detection import InvalidDetector, load_detector

    assert row.storage_key is not None and row.digest is not None
    with runtime.storage.as_file(row.storage_key) as path:
        if hashlib.sha256(path.read_bytes()).hexdigest() != row.digest:
            raise Invalid(f"the stored file {row.storage_key} is damaged", code="damaged_detector")
        try:
            return load_detector(path)
        except InvalidDetector as error:
            raise Invalid(str(error), code="damaged_detector") from error
