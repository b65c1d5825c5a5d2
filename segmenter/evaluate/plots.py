"""Plots as inline SVG: drawn with the page's own colours, so they follow its light and dark, and need no library."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

HUES = 6  # of the style sheet; each series also has a mark of its own, so colour is never alone
MARKS = 12  # about as many on a curve, however many points it has
CHARACTER = 6.8  # pixels of a letter of 12 px, on the generous side
Interval = tuple[float, float]
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """A named curve: its points, and an interval around each where one is known."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    intervals: Sequence[Interval] = ()


@dataclass(frozen=True)
class Bar:
    """A named value and its interval, where one is known."""

    name: str
    value: float
    interval: Interval | None = None


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers that cover the range low..high, at least two and at most about ``most`` of them."""
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3) / most))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= most)
    first, last = math.floor(low / step + 1e-9), max(math.ceil(high / step - 1e-9), math.floor(low / step + 1e-9) + 1)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _linear(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "quiet") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _mark(x: float, y: float, series: int) -> str:
    kind = f"s{series % HUES} halo"
    shape = series % 4
    if shape == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{kind}"/>'
    if shape == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" class="{kind}"/>'
    sign = 1 if shape == 2 else -1
    points = f"{x:.1f},{y - 4.8 * sign:.1f} {x - 4.6:.1f},{y + 3.6 * sign:.1f} {x + 4.6:.1f},{y + 3.6 * sign:.1f}"
    return f'<polygon points="{points}" class="{kind}"/>'


def _legend(names: Sequence[str], x: float, y: float) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        parts += [_mark(x + 6, y + 20 * number - 4, number), _text(x + 18, y + 20 * number, name, "start", "")]
    return parts


def _value_axis(
    low: float, high: float, left: float, right: float, top: float, bottom: float
) -> tuple[Scale, list[str]]:
    """A vertical scale that covers low..high with round numbers, and its grid."""
    marks = ticks(low, high)
    up = _linear(marks[0], marks[-1], bottom, top)
    digits = max(0, -math.floor(math.log10(marks[1] - marks[0]) + 1e-9))
    parts = []
    for mark in marks:
        parts += [
            _rule(left, up(mark), right, up(mark), "grid"),
            _text(left - 8, up(mark) + 4, f"{mark:.{digits}f}", "end"),
        ]
    return up, parts


def curves(
    lines: Sequence[Line], label: str, x_label: str, y_label: str, x_ticks: Sequence[float], logarithmic: bool = False
) -> str:
    """Curves over one axis, each with its interval as a band; ``x_ticks`` are the values named below."""
    left, top, width, height = 52.0, 28.0, 520.0, 280.0
    room = 40 + CHARACTER * max(len(line.name) for line in lines)
    warp: Scale = math.log10 if logarithmic else float
    first, last = warp(min(x_ticks)), warp(max(x_ticks))
    across = _linear(first, last, left + 14, left + width - 14)
    ends = [value for line in lines for value in [*line.y, *(end for pair in line.intervals for end in pair)]]
    up, parts = _value_axis(min(ends), max(ends), left, left + width, top, top + height)
    parts += [_text(across(warp(x)), top + height + 18, f"{x:g}") for x in x_ticks]
    parts += [_text(left + width / 2, top + height + 38, x_label), _text(4, 14, y_label, "start")]
    for number, line in enumerate(lines):
        places = [across(warp(x)) for x in line.x]
        if line.intervals:
            edge = [(x, up(low)) for x, (low, _) in zip(places, line.intervals, strict=True)]
            edge += [(x, up(high)) for x, (_, high) in reversed(list(zip(places, line.intervals, strict=True)))]
            corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in edge)
            parts.append(f'<polygon points="{corners}" class="s{number % HUES} band"/>')
        path = " ".join(f"{x:.1f},{up(y):.1f}" for x, y in zip(places, line.y, strict=True))
        parts.append(f'<polyline points="{path}" class="s{number % HUES} line"/>')
        every = max(1, len(places) // MARKS)
        parts += [_mark(x, up(y), number) for x, y in list(zip(places, line.y, strict=True))[::every]]
    parts += _legend([line.name for line in lines], left + width + 14, top + 12)
    return _svg(left + width + room, top + height + 46, label, parts)


def differences(bars: Sequence[Bar], label: str, x_label: str) -> str:
    """Bars from zero to the left (worse) and right (better), pale where the interval holds zero (figure 9's form)."""
    left = 16 + CHARACTER * max(len(bar.name) for bar in bars)
    width, row, top = 460.0, 28.0, 8.0
    ends = [0.0, *(end for bar in bars for end in (bar.interval or (bar.value, bar.value)))]
    marks = ticks(min(ends), max(ends))
    across = _linear(marks[0], marks[-1], left, left + width)
    bottom = top + row * len(bars)
    digits = max(0, -math.floor(math.log10(marks[1] - marks[0]) + 1e-9))
    parts = [_rule(across(mark), top, across(mark), bottom, "grid") for mark in marks]
    parts += [_text(across(mark), bottom + 18, f"{mark:+.{digits}f}" if mark else "0") for mark in marks]
    for number, bar in enumerate(bars):
        middle = top + row * (number + 0.5)
        x0, x1 = sorted((across(0), across(bar.value)))
        unsure = bar.interval is not None and bar.interval[0] <= 0 <= bar.interval[1]
        kind = ("better" if bar.value > 0 else "worse") + (" open" if unsure else "")
        parts.append(f'<rect x="{x0:.1f}" y="{middle - 8:.1f}" width="{x1 - x0:.1f}" height="16" class="{kind}"/>')
        if bar.interval is not None:
            parts.append(_rule(across(bar.interval[0]), middle, across(bar.interval[1]), middle, "whisker"))
        parts += [_text(left - 10, middle + 4, bar.name, "end", "")]
        parts += [_text(left + width + 14, middle + 4, f"{round(bar.value, 3) + 0.0:+.3f}", "start", "")]
    parts += [_rule(across(0), top, across(0), bottom, "axis"), _text(left + width / 2, bottom + 38, x_label)]
    return _svg(left + width + 66, bottom + 46, label, parts)


def columns(groups: Sequence[tuple[str, Sequence[Bar]]], label: str, y_label: str) -> str:
    """Groups of columns with their intervals (figure 13's form): in each group, bars of the same names in one order."""
    names = [bar.name for bar in groups[0][1]]
    left, top, height, column, gap = 52.0, 28.0, 260.0, 30.0, 34.0
    group_width = max(column * len(names), CHARACTER * max(len(name) for name, _ in groups)) + gap
    width = group_width * len(groups)
    ends = [0.0] + [end for _, bars in groups for bar in bars for end in (bar.interval or (bar.value, bar.value))]
    up, parts = _value_axis(min(ends), max(ends), left, left + width, top, top + height)
    parts.append(_text(4, 14, y_label, "start"))
    for place, (name, bars) in enumerate(groups):
        middle = left + group_width * (place + 0.5)
        parts.append(_text(middle, top + height + 18, name, "middle", ""))
        for number, bar in enumerate(bars):
            x = middle + column * (number - len(bars) / 2)
            parts.append(
                f'<rect x="{x + 2:.1f}" y="{up(bar.value):.1f}" width="{column - 4:.1f}" '
                f'height="{up(0) - up(bar.value):.1f}" class="f{number % HUES}"/>'
            )
            if bar.interval is not None:
                centre = x + column / 2
                parts.append(_rule(centre, up(bar.interval[0]), centre, up(bar.interval[1]), "whisker"))
            high = bar.interval[1] if bar.interval else bar.value
            parts.append(_text(x + column / 2, up(high) - 5, f"{bar.value:.2f}".removeprefix("0")))
    parts.append(_rule(left, up(0), left + width, up(0), "axis"))
    parts += _legend(names, left + width + 10, top + 12)
    return _svg(left + width + 40 + CHARACTER * max(map(len, names)), top + height + 30, label, parts)
