"""The parts of reports: SVG that is well-formed and to scale, pages that need nothing from outside."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest

from segmenter.evaluate.page import Section, figure, gallery, page, picture, table, text
from segmenter.evaluate.plots import Bar, Line, columns, curves, differences, ticks

SVG = "{http://www.w3.org/2000/svg}"


def shapes(svg: str, tag: str, kind: str) -> list[dict[str, str]]:
    found = ElementTree.fromstring(svg).iter(SVG + tag)  # noqa: S314 our own output
    return [element.attrib for element in found if kind in element.attrib.get("class", "").split()]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.236, 0.061), (0.43, 0.44), (3.2, 19.0), (0.5, 0.5), (0, 0)])
def test_ticks_are_round_few_and_cover_the_range(low: float, high: float) -> None:
    marks = ticks(low, high)
    steps = {round(b - a, 9) for a, b in pairwise(marks)}
    assert marks[0] <= low and marks[-1] >= high and 2 <= len(marks) <= 9
    assert len(steps) == 1 and f"{steps.pop():e}"[0] in "125"


def test_bars_of_differences_start_at_zero_and_are_to_scale() -> None:
    bars = [Bar("a", 0.2, (0.1, 0.3)), Bar("b", -0.1, (-0.3, 0.1)), Bar("c", 0.0)]
    svg = differences(bars, "what", "difference")
    (zero,) = shapes(svg, "line", "axis")
    (better,) = shapes(svg, "rect", "better")
    worse, nothing = shapes(svg, "rect", "worse")
    assert float(better["x"]) == float(zero["x1"])
    assert float(worse["x"]) + float(worse["width"]) == pytest.approx(float(zero["x1"]), abs=0.11)
    assert float(better["width"]) == pytest.approx(2 * float(worse["width"]), abs=0.2) and float(nothing["width"]) == 0
    assert "open" in worse["class"] and "open" not in better["class"]  # its interval holds zero
    assert len(shapes(svg, "line", "whisker")) == 2


def test_columns_stand_on_zero_and_are_to_scale() -> None:
    svg = columns(
        [("x", [Bar("a", 0.2), Bar("b", 0.4, (0.3, 0.5))]), ("y", [Bar("a", 0.1), Bar("b", 0.1)])], "w", "IoU"
    )
    (base,) = shapes(svg, "line", "axis")
    first, second = shapes(svg, "rect", "f0"), shapes(svg, "rect", "f1")
    heights = [float(one["height"]) for one in (*first, *second)]
    assert heights == pytest.approx([2 * heights[1], heights[1], 4 * heights[1], heights[1]], abs=0.4)
    assert all(float(one["y"]) + float(one["height"]) == pytest.approx(float(base["y1"]), abs=0.2) for one in first)


def test_curves_pass_their_points_inside_their_bands() -> None:
    lines = [
        Line("m < n", (1, 10, 100), (0.2, 0.4, 0.3), ((0.1, 0.3), (0.3, 0.5), (0.2, 0.4))),
        Line("b", (1, 100), (0, 1)),
    ]
    svg = curves(lines, "what", "images", "mIoU", (1, 10, 100), logarithmic=True)
    first, second = shapes(svg, "polyline", "line")
    points = [tuple(map(float, point.split(","))) for point in first["points"].split()]
    (x0, _), (x1, _), (x2, _) = points
    assert x1 - x0 == pytest.approx(x2 - x1)  # decades are equally far apart
    assert points[1][1] < points[2][1] < points[0][1]  # larger is higher up
    (band,) = shapes(svg, "polygon", "band")
    heights = [float(point.split(",")[1]) for point in band["points"].split()]
    assert min(heights) < min(y for _, y in points) and max(heights) > max(y for _, y in points)
    assert len(second["points"].split()) == 2 and "m &lt; n" in svg


def test_a_page_needs_nothing_from_outside_and_is_whole() -> None:
    photo = np.full((4, 6, 3), 200, np.uint8)
    parts = (
        text("a & b"),
        table(["<set>", "x"], [["one", "1"], ["all", "2"]], "note", total=True),
        figure(differences([Bar("a", 0.1)], "what", "d"), "says"),
        gallery([picture(photo, "best <1>")]),
    )
    html = page("T < U", "lead", [Section("S", parts)])
    root = ElementTree.fromstring(html.removeprefix("<!doctype html>\n"))  # noqa: S314 our own output
    links = [value for element in root.iter() for name, value in element.attrib.items() if name in ("src", "href")]
    assert links and all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not {"script", "link", "iframe"} & {element.tag for element in root.iter()}
    assert "default-src 'none'" in html and "prefers-color-scheme: dark" in html and "T &lt; U" in html
