"""Judges this implementation by a folder of golden numbers: PASS, FAIL or SKIP for every entry of its files.

The format is that of the golden files' README: a JSON file a subject, the arrays beside it in a .npz of the same name,
pictures as PNG. Any folder of that format will do: sizes, settings and names are read from it, not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

State = Literal["PASS", "FAIL", "SKIP"]
Check = tuple[str, Callable[[], str]]  # an entry's name, and what looks at it: a remark, Differs or Absent
Subject = Callable[["Golden"], Iterable[Check]]


class Absent(Exception):
    """What an entry needs is not in the folder; the text says what."""


class Differs(Exception):
    """An entry is not reproduced; the text says by how much."""


@dataclass(frozen=True)
class Verdict:
    """The judgement of one entry, named subject/..., with the largest difference or the reason."""

    entry: str
    state: State
    detail: str


@dataclass(frozen=True)
class Constants:
    """Numbers of the rules that the README states in words: centre of the mask inputs, factor of the embedding."""

    a: int = 26
    b: int = 30
    k: int = 1


class Golden:
    """A folder of golden files, read as needed. Every reader raises Absent for what is not there.

    Pictures are in ``pictures``, or in ``images`` of the folder.
    """

    def __init__(self, folder: Path, pictures: Path | None = None) -> None:
        self.folder, self.pictures = folder, pictures or folder / "images"
        self._read: dict[str, Any] = {}

    def file(self, name: str) -> Path:
        """The file of that name in the folder."""
        path = self.folder / name
        if not path.is_file():
            raise Absent(f"no {name}")
        return path

    def table(self, name: str) -> Any:
        """The content of NAME.json."""
        key = f"{name}.json"
        if key not in self._read:
            self._read[key] = json.loads(self.file(key).read_text(encoding="utf-8"))
        return self._read[key]

    def names(self, name: str) -> list[str]:
        """The names of the arrays in NAME.npz."""
        with np.load(self.file(f"{name}.npz")) as arrays:
            return list(arrays.files)

    def array(self, name: str, key: str) -> NDArray[Any]:
        """One array of NAME.npz."""
        with np.load(self.file(f"{name}.npz")) as arrays:
            if key not in arrays.files:
                raise Absent(f"no {key} in {name}.npz")
            return np.asarray(arrays[key])

    def picture(self, name: str) -> NDArray[np.uint8]:
        """A picture as uint8 HxWx3."""
        path = self.pictures / f"{name}.png"
        if not path.is_file():
            raise Absent(f"no picture {name}.png")
        with Image.open(path) as opened:
            return np.array(opened.convert("RGB"))

    @cached_property
    def constants(self) -> Constants:
        """From the folder's README; without one, the centre from a stored mask input; else those of the open set."""
        try:
            text = self.file("README.md").read_text(encoding="utf-8")
        except Absent:
            return Constants(*self._centre())
        found = {name: re.search(rf"\b{name} ?= ?(\d+)\b", text) for name in ("a", "b", "k")}
        return Constants(**{name: int(match[1]) for name, match in found.items() if match})

    def _centre(self) -> tuple[int, ...]:
        """Row and column of the highest logit of `mask_soft`, in 64ths of its side."""
        try:
            soft = self.array("small", "masks/mask_soft").squeeze()
        except Absent:
            return ()
        row, column = np.unravel_index(soft.argmax(), soft.shape)
        return round(64 * int(row) / len(soft)), round(64 * int(column) / len(soft))


def near(ours: ArrayLike, theirs: ArrayLike, limit: float, rms: float | None = None) -> str:
    """The largest difference, in words; Differs where it, or its root mean square, is above the limit."""
    mine, reference = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if mine.shape != reference.shape:
        raise Differs(f"shape {mine.shape} instead of {reference.shape}")
    if (np.isnan(mine) != np.isnan(reference)).any():
        raise Differs("values are missing where the other has some")
    difference = np.nan_to_num(np.abs(mine - reference))
    worst, mean = float(difference.max(initial=0)), float(np.sqrt((difference**2).mean())) if difference.size else 0.0
    if worst > limit:
        raise Differs(f"off by {worst:.2g}, allowed are {limit:.2g}")
    if rms is not None and mean > rms:
        raise Differs(f"off by {mean:.2g} in the root mean square, allowed are {rms:.2g}")
    return f"{worst:.1e}"


def same(ours: object, theirs: object, what: str = "") -> str:
    """An empty remark; Differs unless the two are equal."""
    if ours != theirs:
        raise Differs(f"{what} {str(ours)[:80]} instead of {str(theirs)[:80]}".strip())
    return ""


def judge(golden: Golden, subjects: Mapping[str, Subject], only: Iterable[str] = ()) -> Iterator[Verdict]:
    """Verdicts on every entry of the subjects, as they are found; only on what ``only`` names, where it names some."""
    wanted = tuple(only)
    for subject, checks in subjects.items():
        if wanted and subject not in {name.split("/", 1)[0] for name in wanted}:
            continue
        try:
            for name, check in checks(golden):
                entry = f"{subject}/{name}"
                if not wanted or any(f"{entry}/".startswith(f"{name}/") for name in wanted):
                    yield _judged(entry, check)
        except Absent as absent:
            yield Verdict(subject, "SKIP", str(absent))
        except Exception as error:  # noqa: BLE001 whatever a folder breaks is to be told, and the next subject judged
            yield Verdict(subject, "FAIL", f"{type(error).__name__}: {error}")


def _judged(entry: str, check: Callable[[], str]) -> Verdict:
    try:
        return Verdict(entry, "PASS", check())
    except Absent as absent:
        return Verdict(entry, "SKIP", str(absent))
    except Differs as differs:
        return Verdict(entry, "FAIL", str(differs))
    except Exception as error:  # noqa: BLE001 an entry that breaks the code is a failed entry
        return Verdict(entry, "FAIL", f"{type(error).__name__}: {error}")
