"""The report of a comparison: bars of differences by set, and the table behind them."""

from __future__ import annotations

from segmenter.evaluate.compare import MACRO, Comparison, figure_name, sentences
from segmenter.evaluate.page import Section, figure, page, table, text
from segmenter.evaluate.plots import Bar, differences

DRAWN = ("iou", "iou@1", "iou@3", "iou@5", "oracle@1", "recall@1000")
EACH_SET = "mean over the sets"


def difference_bars(comparison: Comparison, name: str, words: str) -> str:
    """Figure 9's form: the difference of one figure on every set, largest first, and of their mean."""
    found = [(part, figures[name]) for part, figures in comparison.differences.items() if name in figures]
    sets = sorted((pair for pair in found if pair[0] != MACRO), key=lambda pair: -pair[1].difference)
    macro = [(EACH_SET, one) for part, one in found if part == MACRO]
    bars = [Bar(part, one.difference, one.interval) for part, one in sets + (macro if len(sets) > 1 else [])]
    return figure(
        differences(bars, f"{words}, by set", f"difference in {figure_name(name)}"),
        f"{words}. Lines are 95 % intervals by bootstrap over images; bars whose interval holds zero are pale.",
    )


def comparison_page(comparison: Comparison, labels: tuple[str, str]) -> str:
    """The whole HTML file of ``evaluate compare``."""
    title = f"{labels[0]} against {labels[1]}"
    macro = comparison.differences[MACRO]
    plots = [
        difference_bars(comparison, name, f"{labels[0]} minus {labels[1]}, {figure_name(name)}")
        for name in DRAWN
        if name in macro
    ]
    head = ["set", "figure", labels[0], labels[1], "difference", "95 % interval"]
    rows = [
        [
            EACH_SET if name == MACRO else name,
            figure_name(key),
            f"{one.first:.3f}",
            f"{one.second:.3f}",
            f"{one.difference:+.3f}",
            f"{one.interval[0]:+.3f} to {one.interval[1]:+.3f}",
        ]
        for name, figures in comparison.differences.items()
        for key, one in figures.items()
    ]
    note = "Pairs of the same mask. The mean over the sets weighs every set alike."
    sections = [
        Section("In words", tuple(text(sentence) for sentence in sentences(comparison, labels))),
        Section("By set", tuple(plots)),
        Section("All differences", (table(head, rows, note),)),
    ]
    return page(title, f"Paired differences of {comparison.pairs} masks, first minus second.", sections)
