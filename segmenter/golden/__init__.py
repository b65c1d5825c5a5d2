"""Golden numbers: weights by rule, and the judgement of any folder of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from segmenter.golden.automatic import automask_checks, parts_checks
from segmenter.golden.judge import Golden, Subject, Verdict, judge
from segmenter.golden.models import large_checks, manifest_checks, small_checks, weight_checks
from segmenter.golden.official_onnx import onnx_checks
from segmenter.golden.tables import rle_checks, transforms_checks

LARGE: Final = ("vit_b", "vit_t", "vit_l", "vit_h")
SUBJECTS: Final[dict[str, Subject]] = {
    "transforms": transforms_checks,
    "rle": rle_checks,
    "manifests": manifest_checks,
    "weight_checks": weight_checks,
    "small": small_checks,
    "amg_utils": parts_checks,
    "amg": automask_checks,
    "onnx": onnx_checks,
    **{name: partial(large_checks, name) for name in LARGE},
}


def verdicts(folder: Path, only: Iterable[str] = (), pictures: Path | None = None) -> Iterator[Verdict]:
    """PASS, FAIL or SKIP for every entry of a folder, or of those subjects and entries that ``only`` names.

    ``pictures`` is a folder for those that the golden folder does not hold. ValueError for a name of no subject.
    """
    wanted = list(only)
    unknown = [name for name in wanted if name.split("/", 1)[0] not in SUBJECTS]
    if unknown:
        raise ValueError(f"no subject {unknown[0]}; there are {', '.join(SUBJECTS)}")
    return judge(Golden(folder, pictures), SUBJECTS, wanted)
