"""From what was measured of a candidate to the figures of its gates. The rules are in `backend.engine.gates`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backend.engine.gates import Compared, GateFigures, MaskCounts, Parity, Slice

if TYPE_CHECKING:
    from segmenter.evaluate.rows import Row
    from segmenter.verification import Verified


@dataclass(frozen=True)
class Training:
    """What the training process's own record shows of its run; the digest is of the snapshot that it read.

    done_share: of the minutes or steps that the round planned; None where no record tells.
    """

    done_steps: int
    done_share: float | None
    snapshot_digest: str


def refused(verified: Verified) -> GateFigures:
    """The figures of a release that cannot be used: nothing else was measured."""
    return GateFigures(refusal=verified.refusal, finite=verified.finite, same_architecture=verified.same_architecture)


def measured(
    verified: Verified,
    training: Training | None,
    snapshot_digest: str,
    trained: Collection[str],
    candidate: Sequence[Row],
    active: Sequence[Row],
    mask_counts: MaskCounts | None,
) -> GateFigures:
    """The figures of a whole release. ``candidate`` and ``active`` are rows of the same held-out masks.

    ``training`` is None for a candidate that was made elsewhere. ``trained``: pixel digests of all pictures that this
    round or an earlier one learned from.
    """
    from segmenter.evaluate.gate_figures import gate_rows, leaked_images

    rows = gate_rows(candidate, active)
    return replace(
        without_evidence(verified, training, snapshot_digest),
        leaked_images=leaked_images(candidate, trained),
        held_out_images=rows.images,
        held_out_masks=rows.masks,
        compared={name: Compared(one.first, one.second, *one.interval) for name, one in rows.compared.items()},
        slices=tuple(Slice(one.kind, one.name, one.masks, one.candidate, one.active) for one in rows.slices),
        mask_counts=mask_counts,
    )


def without_evidence(verified: Verified, training: Training | None, snapshot_digest: str) -> GateFigures:
    """The figures of a whole release where nothing is held out: its files can be judged, its masks cannot."""
    parity = None if verified.logits is None or verified.iou is None else Parity(verified.logits, verified.iou)
    whole = replace(refused(verified), parity=parity, snapshot_digest=snapshot_digest, leaked_images=0)
    if training is None:
        return replace(whole, made_elsewhere=True)
    return replace(
        whole,
        done_steps=training.done_steps,
        done_share=training.done_share,
        trained_digest=training.snapshot_digest,
    )
