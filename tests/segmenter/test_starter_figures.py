"""The figures in docs/starter are those of the shipped weights: they name them, and a small part is measured again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segmenter.manifest import file_digest, find_weights
from tests.test_model_commands import maskmill

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "starter"
WEIGHTS = find_weights("starter")
DATA = ROOT.parent / "shared" / "data"
# Another processor rounds otherwise, and a later click answers the mask of the one before.
TOLERANCE = 0.015


def figures(name: str) -> dict[str, Any]:
    return dict(json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", sorted(FIGURES.glob("*.json")), ids=lambda file: file.stem)
def test_committed_figures_name_the_shipped_weights(file: Path) -> None:
    assert figures(file.stem)["weights_digest"] == file_digest(WEIGHTS)


@pytest.mark.parametrize("count", ["1", "2", "3", "5", "9"])
def test_the_model_card_tells_the_committed_figures(count: str) -> None:
    card = (WEIGHTS.parent / "MODEL_CARD.md").read_text(encoding="utf-8")
    column = ["1", "2", "3", "5", "9"].index(count) + 4
    for protocol in ("center", "random"):
        told = figures("clicks")["protocols"][protocol]
        for name, values in told["datasets"].items():
            rows = [line for line in card.splitlines() if line.startswith(f"| {name} |") and line.count("|") == 10]
            row = rows[0 if protocol == "center" else 1]
            assert row.split("|")[column].strip() == f"{values[f'miou@{count}']:.3f}"
        assert f"mean of the sets{'**' if protocol == 'center' else ''} |" in card
        assert f" {told['macro'][f'miou@{count}']:.3f} |" in card


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the images with human masks are not here")
def test_the_shipped_weights_still_give_them(tmp_path: Path) -> None:
    command = ("evaluate", "clicks", "--data", DATA, "--split", DATA / "splits.json", "--limit", "2")
    done = maskmill(*command, "--protocol", "center", "--most", "9", "--no-baselines", "--jobs", "1", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found, told = json.loads((tmp_path / "metrics.json").read_text()), figures("two-of-each")
    assert found["datasets"].keys() == told["datasets"].keys() and len(told["datasets"]) == 5
    for name in ("miou@1", "miou@3", "miou@5", "oracle@1"):
        assert found["macro"][name] == pytest.approx(told["macro"][name], abs=TOLERANCE)
    assert [one["masks"] for one in found["datasets"].values()] == [one["masks"] for one in told["datasets"].values()]
