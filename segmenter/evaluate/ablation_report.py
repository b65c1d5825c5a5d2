"""What an ablation found, as figures and as a page: means of every arm, and paired differences from the base."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.evaluate.ablation import ABLATIONS
from segmenter.evaluate.bootstrap import intervals
from segmenter.evaluate.compare import MACRO, Comparison, compare, figure_name, in_words
from segmenter.evaluate.page import Section, figure, page, table, text
from segmenter.evaluate.plots import Bar, Line, columns, curves
from segmenter.evaluate.protocol import Row
from segmenter.evaluate.report_compare import difference_bars

FIGURES = ("iou@1", "oracle@1", "iou@2", "iou@3")
TITLES = {
    "outputs": "Three outputs or one",
    "images": "How many training images",
    "encoder": "Size of the image encoder",
    "feedback": "With the last mask as a prompt, or without",
    "seed": "What chance alone does",
}


def arm_figures(rows: Sequence[Row]) -> dict[str, list[float]]:
    """By figure: the mean over the sets, and the ends of its 95 % interval over images."""
    names = [name for name in FIGURES if name in rows[0]]
    values = np.array([[row[name] for name in names] for row in rows], np.float64)
    sets = [row["dataset"] for row in rows]
    means = np.mean([values[[one == name for one in sets]].mean(0) for name in dict.fromkeys(sets)], 0)
    found = intervals(values, [(row["dataset"], row["image"]) for row in rows], sets)
    return {
        name: [round(float(mean), 4), round(low, 4), round(high, 4)]
        for name, mean, (low, high) in zip(names, means, found, strict=True)
    }


def ablation_figures(arms: Mapping[str, dict[str, Any]], rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """The JSON of a run: every arm with its figures, and the differences of the others from the base."""
    masks = next(iter(rows.values()))
    sets = {row["dataset"]: 0 for row in masks}
    images = {(row["dataset"], row["image"]) for row in masks}
    evaluated = {name: {"images": sum(one == name for one, _ in images)} for name in sets}
    for row in masks:
        evaluated[row["dataset"]]["masks"] = evaluated[row["dataset"]].get("masks", 0) + 1
    described = {key: arms[key] | {"figures": arm_figures(found)} for key, found in rows.items()}
    return {
        "evaluated": evaluated,
        "arms": described,
        "differences": {key: one.as_json() for key, one in differences_of(rows).items()},
    }


def write_ablation(out: Path, arms: dict[str, dict[str, Any]], rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Writes ``ablation.json`` and ``report.html`` into ``out``; returns what the former holds."""
    figures = ablation_figures(arms, rows)
    (out / "ablation.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (out / "report.html").write_text(ablation_page(figures, rows), encoding="utf-8")
    return figures


def differences_of(rows: Mapping[str, Sequence[Row]]) -> dict[str, Comparison]:
    """Every arm minus the base, over the same masks."""
    return {key: compare(found, rows["base"]) for key, found in rows.items() if key != "base"}


def ablation_page(figures: dict[str, Any], rows: Mapping[str, Sequence[Row]]) -> str:
    """The whole HTML file of ``evaluate ablation``."""
    arms = figures["arms"]
    found = differences_of(rows)
    sections = []
    for name, keys in ABLATIONS.items():
        if not set(keys) <= set(arms):
            continue
        parts = [figure(_columns(arms, keys), "Mean over the sets; lines are 95 % intervals by bootstrap over images.")]
        if name == "images":
            parts.append(figure(_share_curve(arms, keys), "The same against the number of training images."))
        for key in keys[1:]:
            label = arms[key]["name"]
            macro = found[key].differences[MACRO]
            parts += [
                text(in_words("mean over the sets", one, macro[one], (label, "base")))
                for one in FIGURES
                if one in macro
            ]
            parts.append(difference_bars(found[key], "iou@1", f"{label} minus base, {figure_name('iou@1')}"))
        sections.append(Section(TITLES[name], tuple(parts)))
    evaluated = figures["evaluated"]
    images = sum(one["images"] for one in evaluated.values())
    masks = sum(one["masks"] for one in evaluated.values())
    lead = (
        f"Every arm learned for {arms['base']['recipe']['steps']} steps and was asked for the same {masks} masks of "
        f"{images} images, none of them in training. One run an arm: look at what chance alone does first."
    )
    return page("Ablations", lead, [Section("All arms", (_table(arms),)), *sections])


def _columns(arms: dict[str, Any], keys: Sequence[str]) -> str:
    shared = [name for name in FIGURES if all(name in arms[key]["figures"] for key in keys)]
    groups = []
    for name in shared:
        values = [arms[key]["figures"][name] for key in keys]
        bars = [Bar(arms[key]["name"], mean, (low, high)) for key, (mean, low, high) in zip(keys, values, strict=True)]
        groups.append((figure_name(name), bars))
    return columns(groups, "IoU of every arm", "mIoU")


def _share_curve(arms: dict[str, Any], keys: Sequence[str]) -> str:
    ordered = sorted(keys, key=lambda key: int(arms[key]["images"]))
    counts = [arms[key]["images"] for key in ordered]
    lines = []
    for name in FIGURES:
        values = [arms[key]["figures"][name] for key in ordered]
        ends = [(low, high) for _, low, high in values]
        lines.append(Line(figure_name(name), counts, [mean for mean, _, _ in values], ends))
    return curves(lines, "IoU against training images", "training images", "mIoU", counts, logarithmic=True)


def _table(arms: dict[str, Any]) -> str:
    head = ["arm", "parameters", "training images", *(figure_name(name) for name in FIGURES)]
    rows = [
        [
            arm["name"],
            f"{arm['parameters'] / 1e6:.2f} M",
            str(arm["images"]),
            *(f"{arm['figures'][name][0]:.3f}" if name in arm["figures"] else "–" for name in FIGURES),
        ]
        for arm in arms.values()
    ]
    return table(head, rows, "Mean over the sets, each with the same weight.")
