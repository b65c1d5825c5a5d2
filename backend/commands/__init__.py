"""The command line, one file per group, each with `register(app)`; here is what they share.

Heavy imports stay inside the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from backend.errors import Invalid

DataFolders = Annotated[
    list[Path],
    typer.Option("--data", metavar="DIR...", help="COCO folders (images/ + annotations.json) or folders above."),
]
Split = Annotated[Path | None, typer.Option("--split", metavar="FILE", help="Names the images to use, per set.")]
ModelName = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="Shipped model, release folder or file.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where metrics.json and the rows behind it go.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Only the first N images of each set that have a mask to ask for.")
]
Jobs = Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0 takes one per CPU core. Changes no figure.")]
Selected = Annotated[
    Literal["starter", "paper"],
    typer.Option("--selection", help="starter: few and large masks, at 640 px; paper: all, in sets cut to 10k masks."),
]


class Command(TyperCommand):
    """A command whose repeatable options also take several values at once, where nothing else could be meant: one
    without positional arguments."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if all(one.param_type_name == "option" for one in self.params):
            repeatable = {name for one in self.params if getattr(one, "multiple", False) for name in one.opts}
            args = one_value_each(args, repeatable)
        return super().parse_args(ctx, args)


def one_value_each(arguments: Sequence[str], repeatable: Collection[str]) -> list[str]:
    """``--data A B`` as ``--data A --data B``, for the options named in ``repeatable``."""
    words: list[str] = []
    option, has_value = "", False
    for word in arguments:
        if word.startswith("-"):
            option, has_value = word.partition("=")[0], "=" in word
        elif has_value and option in repeatable:
            words.append(option)
        else:
            has_value = True
        words.append(word)
    return words


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


def evaluate_group(app: typer.Typer) -> typer.Typer:
    """The commands `evaluate ...`, which stand in several files."""
    for group in app.registered_groups:
        if group.name == "evaluate" and group.typer_instance is not None:
            return group.typer_instance
    evaluate = typer.Typer(no_args_is_help=True)
    evaluate.callback(help="Measure a model.")(lambda: None)
    app.add_typer(evaluate, name="evaluate")
    return evaluate


@contextmanager
def progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in the terminal, and the function that moves it: done, total."""
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def jobs_of(jobs: int) -> int:
    """How many processes ``--jobs`` means."""
    from workers.machine import usable_cores

    return jobs or usable_cores()


def tell_absent(absent: list[dict[str, str]]) -> None:
    """Names those of the paper's sets that were not measured; nothing is skipped in silence."""
    if absent:
        typer.echo(f"absent of the paper's 23 data sets: {', '.join(one['title'] for one in absent)}")
        typer.echo("where to get them, and under which licence: maskmill evaluate datasets")


def tell_report(out: Path, tables: Sequence[str] = ()) -> None:
    """Writes ``report.html`` beside the metrics of an evaluation, or of several ``tables`` in folders below ``out``."""
    from segmenter.evaluate.report import write_report, write_reports

    with told():
        report = write_reports(out, tables) if tables else write_report(out)
    typer.echo(f"report: {report}, figures: {out / 'metrics.json'}")
