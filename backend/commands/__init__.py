"""The command line, one file per group, each with `register(app)`; here is what they share.

Heavy imports stay inside the commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from backend.errors import Invalid

DataFolders = Annotated[
    list[Path],
    typer.Option("--data", metavar="DIR", help="COCO folder (images/ + annotations.json) or one above."),
]
Split = Annotated[Path | None, typer.Option("--split", metavar="FILE", help="Names the images to use, per set.")]
ModelName = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="Shipped model, release folder or file.")]


@contextmanager
def told() -> Iterator[None]:
    """Turns what the segmenter and the file system say of bad input into the one-line errors of the command line.

    Torch is imported inside: how it uses threads and memory is settled first (workers/machine.py).
    """
    from workers.machine import settle

    settle()
    try:
        yield
    except (ValueError, OSError, FloatingPointError) as error:  # the last: a training run that diverged
        raise Invalid(str(error)) from error


def imported(data: Path | None = None) -> Path:
    """The folder of the releases that were imported, in the data directory."""
    from backend.commands.server import settings_with

    return settings_with(data_dir=data).data_dir / "releases"


def weights_of(model: str) -> Path:
    """The weights file of a release by name, shipped or imported, of a release folder, or the file itself."""
    from segmenter.manifest import find_weights

    return find_weights(model, imported())
