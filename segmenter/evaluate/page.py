"""The HTML of a report: one file that needs nothing else, in light and dark, without a script.

Text that came from outside (names of sets, of models, of files) only enters through functions that escape it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

# Nothing may be fetched or run: what is in the file is all there is, and the browser holds it to that.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
JPEG_QUALITY = 85

STYLE = (
    """
:root {
  color-scheme: light dark;
  --surface: #ffffff; --sunken: #f4f5f7; --border: rgb(23 32 51 / 12%); --grid: rgb(23 32 51 / 9%);
  --text: #1b1f27; --quiet: #586071; --axis: rgb(23 32 51 / 46%); --better: #1f9d55; --worse: #d64545;
  --s0: #2f6fed; --s1: #c05f00; --s2: #13874f; --s3: #a83ba0; --s4: #6d6f78; --s5: #8a6d00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --surface: #16181c; --sunken: #202329; --border: rgb(226 234 255 / 14%); --grid: rgb(226 234 255 / 10%);
    --text: #e6e9ef; --quiet: #a2aab8; --axis: rgb(226 234 255 / 44%); --better: #3cc07a; --worse: #ec6a6a;
    --s0: #7aa7ff; --s1: #fe9a3c; --s2: #4ad496; --s3: #dd85d7; --s4: #a2aab8; --s5: #d6c650;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--surface); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 24px; font-weight: 600; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; font-weight: 600; margin: 40px 0 8px; }
h3 { font-size: 15px; font-weight: 600; margin: 24px 0 4px; }
p { max-width: 72ch; margin: 8px 0; overflow-wrap: anywhere; }
.quiet, figcaption, caption { color: var(--quiet); font-size: 13px; text-align: left; }
.scroll { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; padding-top: 6px; max-width: 72ch; }
th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--border); white-space: nowrap; }
th { font-weight: 500; color: var(--quiet); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.words th, .words td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
thead th { border-bottom-color: var(--axis); }
tr.total td { font-weight: 600; }
figure { margin: 16px 0; }
figure svg { display: block; max-width: 100%; height: auto; }
svg { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
svg text { fill: var(--text); } svg .quiet { fill: var(--quiet); }
svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--axis); } svg .halo { stroke: var(--surface); }
svg .line { fill: none; stroke-width: 2; } svg .band { opacity: .14; stroke: none; }
svg .whisker { stroke: var(--text); stroke-width: 1.5; }
svg .better { fill: var(--better); } svg .worse { fill: var(--worse); } svg .open { opacity: .45; }
"""
    + "".join(f".s{n} {{ fill: var(--s{n}); stroke: var(--s{n}); }} .f{n} {{ fill: var(--s{n}); }}\n" for n in range(6))
    + """
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 16px; margin: 12px 0; }
.pictures figure { margin: 0; }
.pictures img { display: block; width: 100%; border-radius: 6px; background: var(--sunken); }
.pictures figcaption { overflow-wrap: anywhere; padding-top: 4px; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""
)


@dataclass(frozen=True)
class Section:
    """A heading and the HTML below it, made by the functions of this file and of ``plots``."""

    title: str
    parts: tuple[str, ...]


def text(words: str, quiet: bool = False) -> str:
    """One paragraph."""
    kind = ' class="quiet"' if quiet else ""
    return f"<p{kind}>{escape(words)}</p>"


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "", total: bool = False, words: bool = False
) -> str:
    """A table; the first column names the row. ``total`` sets the last row apart; ``words`` are texts, not figures."""
    caption = f"<caption>{escape(note)}</caption>" if note else ""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    last = len(rows) - 1
    kind = ' class="words"' if words else ""
    kinds = [' class="total"' if total and number == last else "" for number in range(len(rows))]
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr{total_row}>{line}</tr>" for total_row, line in zip(kinds, lines, strict=True))
    return f'<div class="scroll"><table{kind}>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(drawing: str, caption: str) -> str:
    """A plot with the sentence that says what it shows."""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def picture(rgb: NDArray[np.uint8], caption: str) -> str:
    """An image HxWx3 inside the file itself, as JPEG."""
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done, "an HxWx3 uint8 image can always be written as JPEG"
    source = "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode("ascii")
    return f'<figure><img src="{source}" alt="{escape(caption)}"/><figcaption>{escape(caption)}</figcaption></figure>'


def gallery(pictures: Sequence[str]) -> str:
    """Pictures beside each other."""
    return f'<div class="pictures">{"".join(pictures)}</div>'


def absent_table(absent: Sequence[Mapping[str, str]]) -> list[Section]:
    """The section that names the paper's sets that were not measured; none where all were."""
    body = [[one["title"], one["split"], one["licence"], one["page"]] for one in absent]
    head = ["set of the paper", "part", "licence", "where to get it"]
    return (
        [Section("Absent", (table(head, body, "Not among the data, so not measured.", words=True),))] if absent else []
    )


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The whole file; it is well-formed XML too."""
    body = "".join(f"<section><h2>{escape(part.title)}</h2>{''.join(part.parts)}</section>" for part in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f'<body><main><h1>{escape(title)}</h1><p class="quiet">{escape(lead)}</p>{body}</main></body></html>\n'
    )
