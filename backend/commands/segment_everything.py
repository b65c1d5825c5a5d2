"""`segment everything`: automatic masks of pictures and folders, without a server."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands import ModelName, told, weights_of
from backend.errors import MaskmillError

if TYPE_CHECKING:
    from backend.everything import Work
    from segmenter.automask_config import AutomaskConfig
    from segmenter.build import Model

INTERRUPTED = 130  # exit status of a program that Ctrl+C ended


def register(app: typer.Typer) -> None:
    """Adds to the group that segment.py made."""
    segment = next(group.typer_instance for group in app.registered_groups if group.name == "segment")
    assert segment is not None
    segment.command("everything")(segment_everything)


def segment_everything(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures, or folders of pictures.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where one JSON file a picture goes, in SA-1B's format.")],
    model: ModelName = "starter",
    preset: Annotated[str | None, typer.Option(help="default, sa1b, reference or starter; else by the model.")] = None,
    points_per_side: Annotated[int | None, typer.Option(help="Points of the grid, per side.")] = None,
    points_per_batch: Annotated[int | None, typer.Option(help="Points at a time; only memory depends on it.")] = None,
    pred_iou_thresh: Annotated[float | None, typer.Option(help="Predicted IoU must be above; 0: any.")] = None,
    stability_score_thresh: Annotated[float | None, typer.Option(help="Least stability score; 0: any.")] = None,
    stability_score_offset: Annotated[float | None, typer.Option(help="Logits up and down for that score.")] = None,
    box_nms_thresh: Annotated[float | None, typer.Option(help="Most overlap of two masks in one crop.")] = None,
    nms: Annotated[str | None, typer.Option(help="What must not overlap: box or mask.")] = None,
    crop_n_layers: Annotated[int | None, typer.Option(help="Layers of crops: 1 is 4 crops, 2 is 20.")] = None,
    crop_nms_thresh: Annotated[float | None, typer.Option(help="Most overlap of masks of two crops.")] = None,
    crop_overlap_ratio: Annotated[float | None, typer.Option(help="Overlap of crops, of the short side.")] = None,
    crop_n_points_downscale_factor: Annotated[
        int | None, typer.Option(help="Fewer points per side, per layer.")
    ] = None,
    min_mask_region_area: Annotated[int | None, typer.Option(help="Smaller holes and islands go, pixels.")] = None,
    cleaning: Annotated[str | None, typer.Option(help="Masks of small islands: reference keeps, paper drops.")] = None,
    min_mask_area: Annotated[int | None, typer.Option(help="Smaller masks go, pixels.")] = None,
    max_mask_share: Annotated[float | None, typer.Option(help="Masks of this share of the picture go.")] = None,
    refine: Annotated[bool | None, typer.Option(help="Ask again by point and box; keep the better.")] = None,
    hierarchical: Annotated[bool | None, typer.Option(help="Coarse grid first, then only what is left.")] = None,
    hierarchical_logit: Annotated[float | None, typer.Option(help="Logit from which a pixel is found.")] = None,
    overlay: Annotated[bool, typer.Option("--overlay", help="Also write NAME.overlay.jpg, masks in colour.")] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="Add parent_id, the mask that each is part of, and depth.")
    ] = False,
    skip_done: Annotated[bool, typer.Option("--skip-done", help="Leave out pictures whose file is there.")] = False,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all.")] = 0,
) -> None:
    """All masks of pictures, without a click: SA-1B's JSON, one file a picture. Ctrl+C leaves only whole files.

    A picture that cannot be read does not stop the others; the command then ends with status 1 and names them.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    with told():
        from backend.everything import listed

        works = listed(images, out)
        network = _model(model, threads)
        config = _config(network, preset, given)
        left = [work for work in works if not (skip_done and work.is_done)]
        if len(left) < len(works):
            typer.echo(f"pictures done already: {len(works) - len(left)}")
        failed = _segment_all(network, left, config, overlay, parts)
    if failed:
        typer.echo("\n".join([f"{len(failed)} of {len(left)} pictures failed:", *failed]), err=True)
        raise typer.Exit(1)


def _model(name: str, threads: int) -> Model:
    import torch

    from segmenter.checkpoint import load_model
    from workers.machine import usable_cores

    torch.set_num_threads(threads or usable_cores())
    return load_model(weights_of(name)).to("cuda" if torch.cuda.is_available() else "cpu")


def _config(network: Model, preset: str | None, given: dict[str, Any]) -> AutomaskConfig:
    """The preset, or that of the model's family, with what was given instead; told to the person."""
    from segmenter.automask_config import AUTOMASK_PRESETS, FAMILY_PRESETS

    name = preset or FAMILY_PRESETS[network.config.family]
    if name not in AUTOMASK_PRESETS:
        raise ValueError(f"no preset {name}; there are {', '.join(AUTOMASK_PRESETS)}")
    known = {field.name for field in fields(AUTOMASK_PRESETS[name])}
    changed = {setting: value for setting, value in given.items() if setting in known}
    config = replace(AUTOMASK_PRESETS[name], **changed)
    typer.echo(
        f"preset {name}{' with your settings' if changed else ''}: {config.points_per_side} x {config.points_per_side} "
        f"points, {config.crop_n_layers} crop layers; kept: predicted IoU > {config.pred_iou_thresh:g}, stability >= "
        f"{config.stability_score_thresh:g}, {config.nms} overlap <= {config.box_nms_thresh:g}"
    )
    return config


def _segment_all(
    network: Model, works: Sequence[Work], config: AutomaskConfig, overlay: bool, parts: bool
) -> list[str]:
    """Does every picture and says so; returns a line for each that failed. Ctrl+C ends the command."""
    from rich.console import Console
    from rich.progress import Progress

    from backend.everything import segment
    from segmenter.automask import Cancelled

    failed: list[str] = []
    with _stoppable() as stop, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(works))
        for place, work in enumerate(works):
            started = time.monotonic()

            def tell(done: int, total: int, place: int = place, name: str = work.file_name) -> None:
                progress.update(task, completed=place + done / total, description=name)

            try:
                count = segment(network, work, config, overlay, parts, tell, stop.is_set)
            except Cancelled:
                typer.echo(f"stopped: {place} of {len(works)} pictures are done, and every file is whole", err=True)
                raise typer.Exit(INTERRUPTED) from None
            except (ValueError, OSError, MemoryError, RuntimeError, MaskmillError) as error:  # torch: out of memory
                failed.append(f"{work.picture}: {error or type(error).__name__}")
                continue
            typer.echo(f"{work.file_name}: {count} masks in {time.monotonic() - started:.1f} s, {work.target}")
    return failed


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that Ctrl+C and SIGTERM set, instead of ending the program in the middle of a file."""
    stop = threading.Event()
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
