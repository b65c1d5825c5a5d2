"""The report of ``evaluate edges``: ODS, OIS, AP and R50, the curves they come from, and published rows as context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmenter.evaluate.page import Section, figure, table, text
from segmenter.evaluate.plots import Line, curves

FIGURES = ("ods", "ois", "ap", "r50")
HEAD = [*(name.upper() for name in FIGURES)]


def edge_sections(metrics: Mapping[str, Any]) -> list[Section]:
    """A section for every set, or for the given maps; what was measured and what was published stay apart."""
    if "datasets" not in metrics:
        return [_section(f"{metrics['maps']} against {metrics['truth']}", {metrics["maps"]: metrics})]
    sections = [_section(name, one["methods"]) for name, one in metrics["datasets"].items()]
    published = metrics["published"]
    body = [
        [row["method"], *(f"{row[key]:.3f}" if key in row else "–" for key in FIGURES)] for row in published["rows"]
    ]
    note = f"{published['source']}. Not measured here, and on other images: context only."
    sections.append(Section("As published", (table(["method", *HEAD], body, note),)))
    if metrics["without_boundaries"]:
        words = "No human boundaries, so not measured: " + ", ".join(metrics["without_boundaries"])
        sections.append(Section("Left out", (text(words),)))
    return sections


def _section(name: str, methods: Mapping[str, Mapping[str, Any]]) -> Section:
    body = [
        [method, str(one["images"]), *(f"{one[key]:.3f}" for key in FIGURES), f"{one['ods_level']:.4g}"]
        for method, one in methods.items()
    ]
    head = ["method", "images", *HEAD, "level of ODS"]
    lines = [_curve(method, one["curve"]) for method, one in methods.items()]
    drawing = curves(lines, f"Precision against recall, {name}", "recall", "precision", (0, 0.25, 0.5, 0.75, 1))
    return Section(name, (table(head, body, "Measured here."), figure(drawing, "Over the levels of the edge maps.")))


def _curve(name: str, curve: Mapping[str, Any]) -> Line:
    recall, precision = curve["columns"].index("recall"), curve["columns"].index("precision")
    rows: Sequence[Sequence[float]] = [row for row in curve["rows"] if row[recall] > 0]
    return Line(name, [row[recall] for row in rows], [row[precision] for row in rows])
