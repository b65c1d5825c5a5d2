"""The reports of ``evaluate proposals`` and ``evaluate instances``: recall of proposals, masks in given boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmenter.evaluate.compare import MACRO, MODEL, compare, in_words
from segmenter.evaluate.examples import in_box, pictures
from segmenter.evaluate.page import Section, absent_table, figure, table, text
from segmenter.evaluate.plots import Line, curves
from segmenter.evaluate.report_compare import EACH_SET, difference_bars
from segmenter.evaluate.rows import Row

COUNTS = (10, 100, 1000)
SIZES = ("small", "medium", "large", "frequent", "common", "rare")
PRECISIONS = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_small": "AP small",
    "ap_medium": "AP medium",
    "ap_large": "AP large",
    "ar": "AR",
    "miou": "mIoU",
}


def proposal_sections(metrics: Mapping[str, Any], rows: Sequence[Row]) -> list[Section]:
    """Average recall by set, size and frequency, and against the number of proposals."""
    macro = metrics["macro"]
    named = [*metrics["datasets"].items(), (EACH_SET, macro)]
    lines = [_recall_line(MODEL, macro), *(_recall_line(name, one) for name, one in macro["baselines"].items())]
    drawing = curves(lines, "Average recall against proposals", "proposals of an image", "AR", COUNTS, logarithmic=True)
    return [
        Section("Average recall", (_recall_table(named),)),
        Section("Against the number of proposals", (figure(drawing, "Mean over the sets; bands: 95 % over images."),)),
        *_against(macro["baselines"], rows, "recall@1000"),
        *absent_table(metrics["absent"]),
    ]


def _recall_table(named: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    methods = [(name, MODEL, one) for name, one in named]
    methods += [(name, other, found) for name, one in named for other, found in one["baselines"].items()]
    sizes = [size for size in SIZES if any(size in _by_class(one) for _, _, one in methods)]
    head = ["set", "method", "proposals", *(f"AR@{count}" for count in COUNTS), *sizes, "best IoU"]
    body = []
    for name, method, one in methods:
        recalls = [f"{one[f'ar@{count}']:.3f}" for count in COUNTS]
        by_class = _by_class(one)
        split = [f"{by_class[size]['ar@1000']:.3f}" if size in by_class else "–" for size in sizes]
        body.append([name, method, f"{one['proposals']:.0f}", *recalls, *split, f"{one['best_iou']:.3f}"])
    note = "Mean recall over IoU .5 to .95 among so many proposals of an image; by size and frequency among 1000."
    return table(head, body, note)


def _by_class(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one["by_size"], **one.get("by_frequency", {})}


def _recall_line(name: str, one: Mapping[str, Any]) -> Line:
    keys = [f"ar@{count}" for count in COUNTS]
    return Line(name, COUNTS, [one[key] for key in keys], [tuple(one["ci"][key]) for key in keys])


def instance_sections(metrics: Mapping[str, Any], rows: Sequence[Row]) -> list[Section]:
    """COCO's precision of the masks in given boxes, with and without the refinement pass."""
    head = ["set", "method", "images", "boxes", *PRECISIONS.values()]
    body = []
    for name, one in metrics["datasets"].items():
        for method, found in [(MODEL, one), *one["baselines"].items()]:
            values = [f"{found[key]:.3f}" if found.get(key) is not None else "–" for key in PRECISIONS]
            body.append([name, method.replace("_", " "), str(one["images"]), str(one["boxes"]), *values])
    given = metrics["settings"]["boxes"]
    note = f"Boxes and scores: {given}." if given else "Boxes of the true masks; masks ranked by predicted IoU."
    own = [row for row in rows if row["method"] == MODEL]
    baselines = next(iter(metrics["datasets"].values()))["baselines"]
    return [
        Section("Average precision", (table(head, body, note),)),
        *_against(baselines, rows, "iou"),
        *([] if given else [Section("Best, median and worst", tuple(pictures(metrics, own, "iou", None, in_box)))]),
        *absent_table(metrics["absent"]),
    ]


def _against(baselines: Mapping[str, Any], rows: Sequence[Row], key: str) -> list[Section]:
    """The model against the other methods, mask by mask."""
    parts = []
    for name in baselines:
        found = compare([row for row in rows if row["method"] == MODEL], [row for row in rows if row["method"] == name])
        shown = name.replace("_", " ")
        parts.append(text(in_words(EACH_SET, key, found.differences[MACRO][key], (MODEL, shown))))
        parts.append(difference_bars(found, key, f"{MODEL} minus {shown}"))
    return [Section("Mask by mask", tuple(parts))] if parts else []
