"""``report.html`` of a simulation: what ``report.json`` says, for people, with the paper's table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmenter.evaluate.page import Section, figure, page, table, text
from segmenter.evaluate.plots import Line, curves

CLICKS = (1, 3, 5)
# Paper, section 4: by stage, at the stage's start and end where it says both.
PAPER = {
    "assisted_manual": ("34 to 14", "20 to 44", "6"),
    "semi_automatic": ("34 (of harder objects)", "44 to 72", "5"),
    "fully_automatic": ("0", "about 100", "none"),
}
STAGES = {
    "assisted_manual": "assisted-manual",
    "semi_automatic": "semi-automatic",
    "fully_automatic": "fully automatic",
}


def html(report: Mapping[str, Any]) -> str:
    """The page; ``report`` as docs/simulation.md describes it."""
    rounds = report["rounds"]
    names = ", ".join(report["datasets"])
    lead = f"Simulated annotators on {names}, from {report['model']}, seed {report['seed']}. report.json lies beside."
    sections = [
        Section("In short", tuple(text(sentence) for sentence in report["summary"])),
        Section("Rounds", (_rounds_table(report), *_model_curves(report))),
        Section("Effort", _effort_parts(rounds)),
        Section("Beside the paper", (_paper_table(rounds),)),
        Section("Audit of automatic masks", _audit_parts(report["audit"])),
        Section("What was assumed", (_assumptions(report["annotator"]),)),
    ]
    return page("Simulation of the data engine", lead, sections)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _with_interval(row: Mapping[str, Any], figure_name: str) -> str:
    value = row.get(figure_name)
    if value is None:
        return "–"
    low, high = row[f"{figure_name}_ci"]
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _rounds_table(report: Mapping[str, Any]) -> str:
    head = ["round", "stage", "images", "masks", "decision", *(f"held-out mIoU, {count} clicks" for count in CLICKS)]
    start = ["start", "", "", "", "", *(_with_interval(report["start"], f"heldout_miou@{count}") for count in CLICKS)]
    body = [
        [
            str(number),
            STAGES[row["stage"]],
            str(row["images"]),
            str(row["masks"]),
            str(row["decision"]).replace("_", " "),
            *(_with_interval(row, f"heldout_miou@{count}") for count in CLICKS),
        ]
        for number, row in enumerate(report["rounds"], 1)
    ]
    note = "Figures of the model that serves after the round, on images held out for ever; 95 % intervals over images."
    return table([head[0], *head[1:]], [start, *body], note)


def _model_curves(report: Mapping[str, Any]) -> tuple[str, ...]:
    rows = [report["start"], *report["rounds"]]
    measured = [(place, row) for place, row in enumerate(rows) if row.get("heldout_miou@1") is not None]
    if len(measured) < 2:
        return ()
    places = [float(place) for place, _ in measured]
    by_round = [
        Line(
            f"{count} click{'s' if count > 1 else ''}",
            places,
            [row[f"heldout_miou@{count}"] for _, row in measured],
            [tuple(row[f"heldout_miou@{count}_ci"]) for _, row in measured],
        )
        for count in CLICKS
    ]
    drawn = curves(by_round, "held-out mIoU by round", "round", "mIoU", places)
    return (figure(drawn, "Held-out mIoU of the serving model after each round; bands are 95 % intervals."),)


def _effort_parts(rounds: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    head = ["round", "stage", "masks an image", "clicks a mask", "seconds a mask"]
    head += ["accepted", "mended", "precision", "recall", "automatic"]
    body = [
        [
            str(number),
            STAGES[row["stage"]],
            _number(row["masks_per_image"]),
            _number(row["clicks_per_mask"], 2),
            _number(row["seconds_per_mask"]),
            _share(row["acceptance"]),
            _share(row["mended"]),
            _share((row["proposals"] or {}).get("precision")),
            _share((row["proposals"] or {}).get("recall")),
            _share(row["automatic_share"]),
        ]
        for number, row in enumerate(rounds, 1)
    ]
    note = (
        "Clicks and seconds are per accepted mask, proposals that were accepted as they came included. Precision and "
        "recall of the proposals against the human masks at IoU .5; where a set does not label every object, precision "
        "is too low. Automatic: share of the accepted masks that came as proposals."
    )
    parts = [table(head, body, note)]
    if len(rounds) > 1:
        places = [float(number) for number in range(1, len(rounds) + 1)]
        lines = [
            Line("clicks a mask", places, [row["clicks_per_mask"] or 0.0 for row in rounds]),
            Line("seconds a mask", places, [row["seconds_per_mask"] or 0.0 for row in rounds]),
        ]
        parts.append(figure(curves(lines, "effort by round", "round", "", places), "Effort for an accepted mask."))
        shares = [
            Line("acceptance", places, [row["acceptance"] or 0.0 for row in rounds]),
            Line("precision", places, [(row["proposals"] or {}).get("precision") or 0.0 for row in rounds]),
            Line("recall", places, [(row["proposals"] or {}).get("recall") or 0.0 for row in rounds]),
            Line("automatic", places, [row["automatic_share"] or 0.0 for row in rounds]),
        ]
        drawn = curves(shares, "proposals by round", "round", "share", places)
        parts.append(figure(drawn, "Proposals: how many were accepted, right, and how much of the truth they found."))
    return tuple(parts)


def _paper_table(rounds: Sequence[Mapping[str, Any]]) -> str:
    body = []
    for stage, (seconds, masks, retrained) in PAPER.items():
        ours = [row for row in rounds if row["stage"] == stage]
        body.append(
            [
                STAGES[stage],
                seconds,
                _range([row["seconds_per_mask"] for row in ours]),
                masks,
                _range([row["masks_per_image"] for row in ours]),
                retrained,
                str(sum(row["trained"] for row in ours)),
            ]
        )
    head = ["stage", "seconds a mask: paper", "ours", "masks an image: paper", "ours", "retrained: paper", "ours"]
    note = (
        "Paper: Segment Anything, section 4, as published, of people at work; ours are simulated and assumed seconds."
    )
    return table(head, body, note, words=True)


def _range(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    return f"{known[0]:.1f}" if len(known) == 1 else f"{known[0]:.1f} to {known[-1]:.1f}"


def _audit_parts(audit: Mapping[str, Any] | None) -> tuple[str, ...]:
    if audit is None:
        return (text("No automatic mask was there to audit."),)
    rows = [
        [
            f"IoU above {level}",
            _share(audit[f"share@{level}"]),
            *(_share(end) for end in audit[f"share@{level}_ci"]),
            paper,
        ]
        for level, paper in (("0.90", "94 %"), ("0.75", "97 %"))
    ]
    head = ["pairs of automatic and corrected mask", "share", "low", "high", "paper"]
    note = f"{audit['pairs']} masks of {audit['images']} images, drawn by chance; Wilson intervals. Paper: section 5."
    return (table(head, rows, note),)


def _assumptions(annotator: Mapping[str, Any]) -> str:
    body = [[name.replace("_", " "), f"{value:g}"] for name, value in annotator.items()]
    return table(["of the simulated annotator", "value"], body, "docs/simulation.md says what each means.")
