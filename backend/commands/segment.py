"""`segment`: masks from the command line, without a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands import ModelName, told, weights_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backend.formats.prompts import Asked
    from segmenter.build import Model
    from segmenter.predict import Candidates


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
        typer.Option(
            metavar="X,Y[,LABEL]", help="A click in pixels: 1 adds (default), 0 subtracts; 2, 3: box corners."
        ),
    ] = None,
    box: Annotated[str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="A box around the object, in pixels.")] = None,
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A mask to start from: a picture of this size, black outside.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="What it is, for models with a text projection.")] = None,
    text_model: Annotated[Path | None, typer.Option(metavar="DIR", help="The CLIP model that embeds --text.")] = None,
    prompts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON list of objects to ask for instead; see the user guide.")
    ] = None,
    stability_fallback: Annotated[bool, typer.Option(help="An unstable single mask gives way to the best.")] = False,
    model: ModelName = "starter",
) -> None:
    """The masks of one object, from clicks, a box, mask or text: three candidates, best first, and the single one."""
    with told():
        from backend.formats.prompts import Asked, numbers_of, point_of, read_prompts
        from backend.images import read
        from segmenter.checkpoint import load_model
        from segmenter.prompts import Box

        if prompts is not None and (point or box or mask or text):
            raise ValueError("--prompts replaces --point, --box, --mask and --text: give one or the other")
        if prompts is None:
            points = tuple(point_of(numbers_of(p, (2, 3), "x,y or x,y,0 or x,y,1")) for p in point or ())
            corners = Box(*numbers_of(box, (4,), "x0,y0,x1,y1")) if box else None
            asked = [Asked(points, corners, mask, text)]
        else:
            asked = read_prompts(prompts)
        network = load_model(weights_of(model))
        found = _answers(network, read(image).rgb, asked, text_model, stability_fallback)
        objects = [_masks(candidates) for candidates in found]
        written = objects[0] if prompts is None else {"size": objects[0]["size"], "objects": objects}
        out.write_text(json.dumps(written) + "\n", encoding="utf-8")
    typer.echo(f"masks: {out}")


def _answers(
    network: Model, rgb: NDArray[np.uint8], asked: Sequence[Asked], text_model: Path | None, stability_fallback: bool
) -> list[Candidates]:
    """Everything that was asked is read and checked before the picture is encoded."""
    from backend.formats.prompts import mask_of
    from backend.images import read
    from segmenter.predict import answer, embed
    from segmenter.prompts import Prompt, check_inside, mask_alone, mask_prompt
    from segmenter.text import check_text, load_text_encoder

    size = (rgb.shape[0], rgb.shape[1])
    encoder = None
    made = []
    for one in asked:
        text, mask_input = None, None
        if one.text is not None:
            if text_model is None:
                raise ValueError("a text needs --text-model DIR, the folder of the CLIP model that embeds it")
            encoder = encoder or load_text_encoder(text_model)
            check_text(network, encoder.dim)
            text = encoder.embed([one.text])[0]
        bitmap = None if one.mask is None else mask_of(read(one.mask).rgb, size)
        if bitmap is not None:
            mask_input = mask_prompt(bitmap, network.config.logits)
        said = bool(one.points) or one.box is not None or text is not None
        prompt = Prompt(one.points, one.box, text) if said or bitmap is None else mask_alone(bitmap)
        check_inside(prompt, size)
        made.append((prompt, mask_input))
    embedding = embed(network, rgb)
    return [answer(network, embedding, prompt, mask_input, stability_fallback) for prompt, mask_input in made]


def _masks(candidates: Candidates) -> dict[str, Any]:
    from segmenter.masks import encode

    def entry(token: int) -> dict[str, Any]:
        mask = {"segmentation": encode(candidates.mask(token))}
        return mask | {"predicted_iou": float(candidates.predicted_iou[token])}

    return {"size": list(candidates.size), "masks": [entry(token) for token in candidates.ranked], "single": entry(0)}
