"""`segment`: masks from the command line, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands.models import ModelName, told

if TYPE_CHECKING:
    from segmenter.predict import Candidates
    from segmenter.prompts import Box, Point


def register(app: typer.Typer) -> None:
    segment = typer.Typer(no_args_is_help=True)
    segment.callback(help="Masks from the command line.")(lambda: None)
    segment.command("click")(segment_click)
    app.add_typer(segment, name="segment")


def segment_click(
    image: Annotated[Path, typer.Argument(help="The picture: JPEG, PNG, WebP or TIFF.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The JSON file to write.")],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y[,0|1]", help="A click in pixels: 1 adds (default), 0 subtracts."),
    ] = None,
    box: Annotated[str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="A box around the object, in pixels.")] = None,
    model: ModelName = "starter",
) -> None:
    """The masks of one object, from clicks or a box: three candidates, best first, and the single mask."""
    with told():
        from backend.images import read
        from segmenter.checkpoint import load_model
        from segmenter.manifest import find_weights
        from segmenter.predict import answer, embed
        from segmenter.prompts import Prompt

        picture = read(image)
        size = picture.rgb.shape[0], picture.rgb.shape[1]
        points = tuple(_point(text, size) for text in point or ())
        prompt = Prompt(points, _box(box, size) if box else None)
        network = load_model(find_weights(model))
        candidates = answer(network, embed(network, picture.rgb), prompt)
        out.write_text(json.dumps(_masks(candidates)) + "\n", encoding="utf-8")
    typer.echo(f"masks: {out}")


def _numbers(text: str, counts: tuple[int, ...], form: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        raise ValueError(f"{text} is not of the form {form}")
    return values


def _point(text: str, size: tuple[int, int]) -> Point:
    from segmenter.prompts import Point

    x, y, *label = _numbers(text, (2, 3), "x,y or x,y,0 or x,y,1")
    if label not in ([], [0.0], [1.0]):
        raise ValueError(f"the label of point {text} is neither 0 nor 1")
    if not (0 <= x < size[1] and 0 <= y < size[0]):
        raise ValueError(f"point {text} lies outside the picture of {size[1]} x {size[0]} pixels")
    return Point(x, y, int(label[0]) if label else 1)


def _box(text: str, size: tuple[int, int]) -> Box:
    from segmenter.prompts import Box

    x0, y0, x1, y1 = _numbers(text, (4,), "x0,y0,x1,y1")
    if not (0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]):
        raise ValueError(f"box {text} is empty or reaches outside the picture of {size[1]} x {size[0]} pixels")
    return Box(x0, y0, x1, y1)


def _masks(candidates: Candidates) -> dict[str, Any]:
    from segmenter.masks import encode

    def entry(token: int) -> dict[str, Any]:
        mask = {"segmentation": encode(candidates.mask(token))}
        return mask | {"predicted_iou": float(candidates.predicted_iou[token])}

    return {"size": list(candidates.size), "masks": [entry(token) for token in candidates.ranked], "single": entry(0)}
