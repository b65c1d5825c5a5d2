"""The report of ``evaluate clicks``: tables, curves over clicks, bars against baselines, ranking, form, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmenter.evaluate.compare import MACRO, MODEL, compare, figure_name, in_words
from segmenter.evaluate.examples import after_click, pictures
from segmenter.evaluate.page import Section, absent_table, figure, table, text
from segmenter.evaluate.plots import Bar, Line, columns, curves
from segmenter.evaluate.protocol import REPORTED, TARGETS
from segmenter.evaluate.report_compare import EACH_SET, difference_bars
from segmenter.evaluate.rows import Row
from segmenter.evaluate.selection import SELECTIONS

FIRST_CLICK = {"center": "first click in the middle", "random": "first click anywhere"}
INTERVALS = "Bands and lines are 95 % intervals by bootstrap over images."


def click_sections(metrics: Mapping[str, Any], rows: Sequence[Row]) -> list[Section]:
    """The sections of the report, from what ``metrics.json`` and ``masks.jsonl`` hold."""
    first = next(iter(metrics["protocols"]))
    macro = metrics["protocols"][first]["macro"]
    sections = [
        Section("Figures", tuple(_figures(FIRST_CLICK[name], found) for name, found in metrics["protocols"].items())),
        Section("IoU against clicks", (_curves(metrics["protocols"]),)),
    ]
    if macro["baselines"]:
        sections.append(Section("Against the baselines", tuple(_against(macro["baselines"], rows, first))))
    sections += [
        Section("By size", (_by_share(macro["by_share"]),)),
        Section("Can the predicted IoU be trusted?", tuple(_calibration(macro["calibration"]))),
        Section("Form of the masks", (_quality(macro["quality"]),)),
    ]
    if first == "center":
        own = [row for row in rows if row["method"] == MODEL and row["protocol"] == first]
        long_side = SELECTIONS[metrics["settings"]["selection"]].long_side
        shown = pictures(metrics, own, "iou@1", long_side, after_click)
        sections.append(Section("Best, median and worst after one click", tuple(shown)))
    return sections + absent_table(metrics["absent"])


def _figures(title: str, found: Mapping[str, Any]) -> str:
    counted = [target for target in TARGETS if f"noc@{target}" in found["macro"]]
    head = ["set", "images", "masks", "1 click", *(str(count) for count in REPORTED[1:]), "best of 3"]
    head += [f"to {target} %" for target in counted] + [f"failed {target} %" for target in counted]
    body = []
    for name, row in [*found["datasets"].items(), (EACH_SET, found["macro"])]:
        means = [f"{row[f'miou@{count}']:.3f}" for count in REPORTED] + [f"{row['oracle@1']:.3f}"]
        needed = [f"{row[f'noc@{target}']:.2f}" for target in counted]
        failed = [str(row[f"failures@{target}"]) for target in counted]
        body.append([name, str(row["images"]), str(row["masks"]), *means, *needed, *failed])
    low, high = found["macro"]["ci"]["miou@1"]
    note = f"{title.capitalize()}: mean IoU; after one click the last row's lies within {low:.3f} to {high:.3f} (95 %)."
    if counted:
        note += " Then the clicks needed to an IoU, and how many masks never got there or took all clicks."
    return table(head, body, note, total=True)


def _curves(protocols: Mapping[str, Any]) -> str:
    lines = []
    for name, found in protocols.items():
        lines.append(_line(f"model, {FIRST_CLICK[name]}", found["macro"]))
    for method, figures in next(iter(protocols.values()))["macro"]["baselines"].items():
        lines.append(_line(method, figures))
    drawing = curves(lines, "Mean IoU against clicks", "clicks", "mIoU", REPORTED)
    return figure(drawing, f"Mean over the sets. {INTERVALS} Every method answers its own clicks.")


def _line(name: str, figures: Mapping[str, Any]) -> Line:
    counts = [count for count in REPORTED if f"miou@{count}" in figures]
    keys = [f"miou@{count}" for count in counts]
    return Line(name, counts, [figures[key] for key in keys], [tuple(figures["ci"][key]) for key in keys])


def _against(baselines: Mapping[str, Any], rows: Sequence[Row], protocol: str) -> list[str]:
    of_method = {
        name: [row for row in rows if row["method"] == name and row["protocol"] == protocol]
        for name in (MODEL, *baselines)
    }
    parts = []
    for name in sorted(baselines, key=lambda name: -baselines[name]["miou@1"]):
        found = compare(of_method[MODEL], of_method[name])
        shown = [key for key in ("iou@1", "iou@5") if key in found.differences[MACRO]]
        parts += [text(in_words(EACH_SET, key, found.differences[MACRO][key], ("model", name))) for key in shown]
        parts.append(difference_bars(found, "iou@1", f"model minus {name}, {figure_name('iou@1')}"))
    return parts


def _by_share(classes: Mapping[str, Any]) -> str:
    groups = []
    for name, row in classes.items():
        bars = [Bar(f"{count} click{'s' * (count > 1)}", row[f"miou@{count}"]) for count in (1, 3, 5)]
        groups.append((f"{name} ({row['masks']})", bars))
    drawing = columns(groups, "Mean IoU by share of the picture", "mIoU")
    return figure(drawing, "By the mask's share of its picture; in brackets how many masks. All sets together.")


def _calibration(found: Mapping[str, Any]) -> list[str]:
    bins = found["bins"]
    line = Line("candidates", [one["predicted"] for one in bins], [one["actual"] for one in bins])
    honest = Line("as predicted", (0, 1), (0, 1))
    drawing = curves(
        [line, honest], "Actual against predicted IoU", "predicted IoU", "actual IoU", (0, 0.25, 0.5, 0.75, 1)
    )
    head = [
        "chosen",
        "best of three",
        "drawn blindly",
        "best is chosen",
        "mean error",
        "bias",
        "calibration error",
        "correlation",
    ]
    keys = ("chosen", "oracle", "chance", "best_chosen", "error", "bias", "ece", "correlation")
    body = [
        "–" if found[key] is None else f"{found[key]:+.3f}" if key == "bias" else f"{found[key]:.3f}" for key in keys
    ]
    note = "After one click. The first three columns are mean IoUs; a bias above 0 means that the model is too sure."
    return [table(head, [body], note), figure(drawing, "Means of the candidates in ten bins of predicted IoU.")]


def _quality(found: Mapping[str, Any]) -> str:
    head = ["masks", "Boundary IoU", "parts", "holes", "concavity", "above 75 % IoU", "above 90 % IoU"]
    body = []
    for name, row in found.items():
        shape = [f"{row[key]:.2f}" for key in ("parts", "holes", "concavity")]
        if name == "truth":
            body.append(["true masks", "–", *shape, "–", "–"])
            continue
        shares = [
            f"{row[key]['share']:.0%} ({row[key]['ci'][0]:.0%} to {row[key]['ci'][1]:.0%})"
            for key in ("above_75", "above_90")
        ]
        body.append([f"after {name} click{'s' * (name != '1')}", f"{row['boundary_iou']:.3f}", *shape, *shares])
    return table(head, body, "Means of all masks; in brackets Wilson's 95 % interval.")
