"""Writes the golden files that pytest and vitest share: `python -m tests.golden.make_golden`.

References: pycocotools for masks, torch for upsampling. `exact` in upsampling.json comes from segmenter.transforms
(pytest holds it to torch): the browser must reach it to the last bit. Numbers are float32 in shortest decimal form.
"""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pycocotools import mask as coco
from torch.nn import functional

from segmenter import transforms

FOLDER = Path(__file__).parent
PIXEL = 4  # no logit of a golden mask is nearer to 0 than 10 ** -PIXEL: rounding cannot flip a pixel


def short(values: np.ndarray) -> list[float]:
    return [float(str(value)) for value in values.astype(np.float32).ravel()]


def mask_entry(name: str, mask: np.ndarray) -> dict[str, Any]:
    rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    flat = mask.ravel(order="F")
    edges = [0, *(i for i in range(1, flat.size) if flat[i] != flat[i - 1]), flat.size]
    runs = [0] * bool(flat[0]) + [b - a for a, b in pairwise(edges)]
    return {
        "name": name,
        "size": list(mask.shape),
        "runs": runs,
        "counts": rle["counts"].decode(),
        "area": int(coco.area(rle)),
        "bbox": [int(value) for value in coco.toBbox(rle)],
    }


def masks() -> list[dict[str, Any]]:
    draw = np.random.default_rng(1)
    cases: list[tuple[str, np.ndarray]] = []
    for height, width in [(1, 1), (1, 9), (9, 1), (5, 7), (24, 32), (300, 200)]:
        cases.append((f"empty {height}x{width}", np.zeros((height, width), bool)))
        cases.append((f"full {height}x{width}", np.ones((height, width), bool)))
    for height, width in [(1, 40), (40, 1), (2, 2), (13, 17), (17, 13), (24, 32)]:
        for share in (0.05, 0.5, 0.95):
            cases.append((f"random {share} {height}x{width}", draw.random((height, width)) < share))
    for name, y, x in [("first", 0, 0), ("last", 4, 6), ("inner", 2, 3), ("bottom left", 4, 0), ("top right", 0, 6)]:
        one = np.zeros((5, 7), bool)
        one[y, x] = True
        cases.append((f"{name} pixel", one))
    y, x = np.mgrid[:480, :640]
    cases.append(("disc", (y - 200) ** 2 + (x - 333) ** 2 <= 120**2))
    cases.append(("ring", np.abs(np.hypot(y - 240, x - 320) - 150) < 20))
    cases.append(("columns joined over the edge", (x[:30, :40] * 30 + y[:30, :40]) % 300 > 140))
    cases.append(("chessboard", (y[:16, :16] + x[:16, :16]) % 2 == 1))
    return [mask_entry(name, mask) for name, mask in cases]


def rejected() -> list[dict[str, Any]]:
    size = [4, 5]  # 20 pixels; "34=" is 3, 4, 13
    cases: list[tuple[str, Any, Any, list[int]]] = [
        ("height and width swapped", [5, 4], "34=", size),
        ("another size", [4, 6], "34=", size),
        ("the size of nothing", [0, 5], "34=", [0, 5]),
        ("negative size", [-4, -5], "34=", [-4, -5]),
        ("three sides", [4, 5, 1], "34=", size),
        ("a side that is text", ["4", 5], "34=", size),
        ("a fraction as a side", [4.5, 5], "34=", size),
        ("no size", None, "34=", size),
        ("no counts", size, None, size),
        ("counts that are a number", size, 20, size),
        ("empty text", size, "", size),
        ("empty list", size, [], size),
        ("one pixel short", size, "34<", size),
        ("one pixel long", size, "34>", size),
        ("a run of 0 in the middle", size, "304=", size),
        ("a run of 0 at the end", size, "34=L", size),
        ("two runs of 0 at the start", size, "0034=", size),
        ("a negative run", size, "3O>B", size),
        ("negative by difference", size, "38:G3", size),
        ("cut off within a number", size, "34m", size),
        ("a group that says nothing", size, "34]0", size),
        ("a sign group that says nothing", size, "34<mO", size),
        ("seven groups", size, "34mPPPPP0", size),
        ("an enormous run", size, "34ooooo?", size),
        ("a character below the code", size, "3/4=", size),
        ("a character above the code", size, "34p0", size),
        ("a space", size, "34= ", size),
        ("a line end", size, "34=\n", size),
        ("not ASCII", size, "34\u00bd", size),
        ("more runs than pixels", [1, 2], "1111", [1, 2]),
        ("more characters than any mask of the size", size, "P" * 169, size),
        ("list: a negative run", size, [3, -1, 18], size),
        ("list: a fraction", size, [3.5, 16.5], size),
        ("list: text", size, ["3", "17"], size),
        ("list: true", size, [True, 19], size),
        ("list: a run of 0 in the middle", size, [3, 0, 17], size),
        ("list: one pixel short", size, [3, 4, 12], size),
        ("list: beyond 32 bits", size, [3, 4294967313, 0], size),
        ("list: nested", size, [[3, 17]], size),
    ]
    return [{"name": name, "size": a, "counts": b, "expected": e} for name, a, b, e in cases]


def sizes() -> list[dict[str, Any]]:
    pairs = [(1500, 2250), (720, 1280), (1280, 720), (427, 640), (321, 481), (481, 321), (180, 240), (256, 256)]
    pairs += [(1024, 1024), (1, 1), (1, 3000), (3000, 1), (33, 2000), (2000, 33), (333, 999), (4000, 6000), (601, 1201)]
    entries = []
    for height, width in pairs:
        for frame in (256, 320, 1024):
            scale = frame / max(height, width)
            sides = [max(1, math.floor(side * scale + 0.5)) for side in (height, width)]
            entries.append({"size": [height, width], "frame": frame, "resized": sides})
    return entries


def points() -> list[dict[str, Any]]:
    entries = []
    for entry in sizes()[::2]:
        (height, width), (resized_height, resized_width) = entry["size"], entry["resized"]
        inside = [(0, 0), (width - 1, height - 1), (width / 3, height / 7), (0.25 * width, 0.5), (width, height)]
        mapped = [[x * (resized_width / width), y * (resized_height / height)] for x, y in inside]
        entries.append({**entry, "points": [list(point) for point in inside], "model_points": mapped})
    return entries


def two_steps(logits: np.ndarray, frame: int, resized: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """The reference: bilinear to the frame, crop, bilinear to the image."""
    whole = functional.interpolate(torch.from_numpy(logits)[None, None], (frame, frame), mode="bilinear")
    cropped = whole[..., : resized[0], : resized[1]]
    return functional.interpolate(cropped, tuple(size), mode="bilinear")[0, 0].numpy()


def axes() -> list[dict[str, Any]]:
    """Taps of one axis as torch applies them: its response to each single logit, merged by index."""
    entries = []
    for side, frame, cropped, out in [
        (8, 32, 32, 50),
        (8, 32, 21, 13),
        (16, 32, 32, 32),
        (16, 32, 9, 70),
        (8, 16, 1, 5),
    ]:
        responses = []
        for index in range(side):
            logits = np.zeros((side, side), np.float32)
            logits[index] = 1
            responses.append(two_steps(logits, frame, (cropped, frame), (out, 1))[:, 0])
        dense = np.stack(responses, axis=1)
        taps = [[[int(i), *short(row[i])] for i in np.flatnonzero(row)] for row in dense]
        entries.append({"logits": side, "frame": frame, "cropped": cropped, "out": out, "taps": taps})
    return entries


def upsampled(name: str, side: int, frame: int, size: tuple[int, int], smooth: int, seed: int) -> dict[str, Any]:
    resized = transforms.resized_size(*size, frame)
    for attempt in range(200):
        draw = np.random.default_rng([seed, attempt])
        logits = draw.standard_normal((side, side))
        for _ in range(smooth):
            logits = logits + np.roll(logits, 1, 0) + np.roll(logits, 1, 1) + np.roll(logits, -1, 0)
        logits = np.round(logits / logits.std() * 6, 3).astype(np.float32)
        reference = two_steps(logits, frame, resized, size)
        if np.abs(reference).min() > 10**-PIXEL:
            break
    else:
        raise RuntimeError(f"{name}: no draw keeps its distance from 0")
    ours = transforms.upsample_mask(logits, size, frame)
    places = [[int(draw.integers(size[0])), int(draw.integers(size[1]))] for _ in range(24)]
    return {
        "name": name,
        "logits_side": side,
        "frame": frame,
        "size": list(size),
        "resized": list(resized),
        "logits": short(logits),
        "samples": [[*place, *short(reference[tuple(place)])] for place in places],
        "exact": [[*place, *short(ours[tuple(place)])] for place in places],
        "area": int((reference > 0).sum()),
        "counts": coco.encode(np.asfortranarray((reference > 0).astype(np.uint8)))["counts"].decode(),
    }


def upsampling() -> list[dict[str, Any]]:
    cases = [
        ("landscape, larger", 16, 64, (90, 135), 2),
        ("landscape, smaller", 16, 64, (27, 40), 0),
        ("portrait, larger", 16, 64, (121, 80), 2),
        ("portrait, ratio 2", 16, 32, (75, 50), 1),
        ("square, same as the frame", 16, 64, (64, 64), 1),
        ("square, ratio 2", 32, 64, (100, 100), 3),
        ("tall", 16, 64, (200, 9), 1),
        ("wide", 16, 64, (7, 180), 1),
        ("one row", 8, 32, (1, 100), 0),
        ("one column", 8, 32, (100, 1), 0),
        ("one pixel", 8, 32, (1, 1), 0),
    ]
    return [upsampled(*case, seed) for seed, case in enumerate(cases)]


def choices() -> list[dict[str, Any]]:
    """Default candidate: for one prompt, no mask, the best of tokens 1..3 by predicted IoU (ties: lower), else 0."""
    scores = {"a": [0.99, 0.5, 0.9, 0.7], "b": [0.1, 0.4, 0.4, 0.3], "c": [1.2, -0.1, -0.3, -0.2], "d": [0.5] * 4}
    given = [(1, 0, False), (0, 1, False), (2, 0, False), (1, 1, False), (9, 0, False), (1, 0, True), (0, 1, True)]
    entries = []
    for points_given, boxes_given, mask_given in given:
        for name, iou in scores.items():
            ranked = sorted((1, 2, 3), key=lambda token: (-iou[token], token))
            single = points_given + boxes_given == 1 and not mask_given
            entries.append(
                {
                    "name": f"{points_given} points, {boxes_given} boxes, mask {mask_given}, scores {name}",
                    "points": points_given,
                    "boxes": boxes_given,
                    "mask": mask_given,
                    "iou": iou,
                    "chosen": ranked[0] if single else 0,
                    "ranked": ranked,
                }
            )
    return entries


def lists() -> list[dict[str, Any]]:
    return [{key: entry[key] for key in ("name", "size", "runs", "counts")} for entry in masks()[::3]]


def brushed() -> list[dict[str, Any]]:
    """Masks before and after strokes of a round brush: polylines of places in half pixels, a diameter, set or clear."""
    draw = np.random.default_rng(5)
    y, x = np.mgrid[:90, :120]
    disc = (y - 40) ** 2 + (x - 60) ** 2 <= 30**2
    cases: list[tuple[str, np.ndarray, list[dict[str, Any]]]] = [
        ("one pixel", np.zeros((5, 7), bool), [stroke([(2.5, 1.5)], 1, True)]),
        ("two pixels wide, in a corner", np.zeros((5, 7), bool), [stroke([(0, 0)], 2, True)]),
        ("wider than the picture", np.zeros((5, 7), bool), [stroke([(3, 2)], 40, True)]),
        ("outside of the picture", np.ones((5, 7), bool), [stroke([(-30, 2)], 20, False)]),
        ("everything wiped", np.ones((5, 7), bool), [stroke([(0.5, 2.5), (6.5, 2.5)], 9, False)]),
        ("a line", np.zeros((90, 120), bool), [stroke([(10, 10), (100, 10)], 6, True)]),
        (
            "a hole and a handle",
            disc,
            [stroke([(60.5, 40.5)], 21, False), stroke([(85.5, 40.5), (119.5, 88.5)], 7, True)],
        ),
        ("over all edges", disc, [stroke([(-5, -5), (125, -5), (125, 95), (-5, 95), (-5, -5)], 24, True)]),
    ]
    for number in range(12):
        mask = draw.random((37, 53)) < draw.random()
        strokes = []
        for _ in range(draw.integers(1, 5)):
            diameter = int(draw.integers(1, 18))
            middle = 0.5 if diameter % 2 else 0.0
            places = draw.integers(-8, 60, size=(int(draw.integers(1, 6)), 2)) + middle
            strokes.append(stroke([(px, py) for px, py in places.tolist()], diameter, bool(draw.integers(2))))
        cases.append((f"random {number}", mask, strokes))
    return [
        {
            "name": name,
            "size": list(before.shape),
            "before": mask_entry(name, before)["counts"],
            "strokes": strokes,
            "after": mask_entry(name, painted(before, strokes))["counts"],
        }
        for name, before, strokes in cases
    ]


def stroke(places: list[tuple[float, float]], diameter: int, value: bool) -> dict[str, Any]:
    return {"places": [list(place) for place in places], "diameter": diameter, "value": value}


def painted(mask: np.ndarray, strokes: list[dict[str, Any]]) -> np.ndarray:
    """Every pixel whose middle lies within half the diameter of the way, computed for all pixels at once."""
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    after = mask.copy()
    for told in strokes:
        places = told["places"]
        for (x0, y0), (x1, y1) in zip(places, places[1:] or places, strict=False):
            dx, dy = x1 - x0, y1 - y0
            along = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy or 1)).clip(0, 1)
            far = np.hypot(x - x0 - along * dx, y - y0 - along * dy)
            after[far <= told["diameter"] / 2 + 1e-9] = told["value"]
    return after


def write(name: str, **content: list[dict[str, Any]]) -> None:
    lines = [
        f" {json.dumps(key)}: [\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in entries) + "\n ]"
        for key, entries in content.items()
    ]
    (FOLDER / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    torch.set_num_threads(1)
    write("rle.json", masks=masks(), rejected=rejected(), accepted_lists=lists())
    write("transforms.json", sizes=sizes(), points=points())
    write("upsampling.json", axes=axes(), masks=upsampling())
    write("choice.json", cases=choices())
    write("brush.json", cases=brushed())


if __name__ == "__main__":
    main()
