"""`evaluate compare` and `evaluate ablation`: what was measured, set against something else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import DataFolders, evaluate_group, told

Evaluation = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an evaluation (masks.jsonl).")]


def register(app: typer.Typer) -> None:
    evaluate = evaluate_group(app)
    evaluate.command("compare")(compare)
    evaluate.command("ablation")(ablation)


def compare(
    first: Evaluation,
    second: Evaluation,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where compare.json and report.html go.")] = None,
    method: Annotated[str, typer.Option(help="Which method of the first folder.")] = "model",
    other: Annotated[str, typer.Option(help="Which method of the second folder, such as grabcut.")] = "model",
    protocol: Annotated[str, typer.Option(help="Of clicks: center or random.")] = "center",
) -> None:
    """Paired differences of two evaluations, mask by mask, with intervals by bootstrap over images."""
    with told():
        import json

        from segmenter.evaluate.compare import compare as paired
        from segmenter.evaluate.compare import rows_of, sentences
        from segmenter.evaluate.report_compare import comparison_page

        found = paired(rows_of(first, method, protocol), rows_of(second, other, protocol))
        labels = _labels((first, method), (second, other))
        for sentence in sentences(found, labels):
            typer.echo(sentence)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            content = {"first": labels[0], "second": labels[1], "protocol": protocol} | found.as_json()
            (out / "compare.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
            (out / "report.html").write_text(comparison_page(found, labels), encoding="utf-8")
            typer.echo(f"report: {out / 'report.html'}")


def _labels(first: tuple[Path, str], second: tuple[Path, str]) -> tuple[str, str]:
    """What tells the two sides apart: their folders, their methods, or both."""
    folders, methods = (first[0].resolve(), second[0].resolve()), (first[1], second[1])
    if folders[0] == folders[1]:
        return methods
    names = (folders[0].name, folders[1].name)
    if names[0] == names[1]:
        names = (str(folders[0]), str(folders[1]))
    if methods == ("model", "model"):
        return names
    return f"{methods[0]} of {names[0]}", f"{methods[1]} of {names[1]}"


def ablation(
    names: Annotated[list[str], typer.Argument(help="Of: outputs, images, encoder, feedback, seed.")],
    data: DataFolders,
    split: Annotated[Path, typer.Option(metavar="FILE", help="Names the images to train and to evaluate on, per set.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder for each arm; ablation.json, report.html.")],
    steps: Annotated[int, typer.Option(min=1, help="Of training, for every arm.")] = 300,
    limit: Annotated[int | None, typer.Option(min=1, help="Evaluate on the first N images of each set.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
) -> None:
    """Train small models that differ in one thing, and compare them on the same masks.

    Arms that lie in --out already, trained with the same settings on the same images, are not trained again.
    """
    from rich.progress import Progress

    with told(), Progress() as progress:
        from segmenter.data import find_coco_folders, read_split
        from segmenter.evaluate.ablation import Run, run_ablations
        from segmenter.evaluate.ablation_report import write_ablation

        task = progress.add_task("reading", total=1.0)
        parts = read_split(split, "train") or {}, read_split(split, "evaluate") or {}
        arms, rows = run_ablations(
            names,
            Run(steps, seed, threads, limit),
            find_coco_folders(data),
            parts,
            out,
            lambda doing, share: progress.update(task, description=doing, completed=share),
        )
        figures = write_ablation(out, arms, rows)
    for arm in figures["arms"].values():
        means = "  ".join(f"{name} {values[0]:.3f}" for name, values in arm["figures"].items())
        typer.echo(f"{arm['name']:20} {means}")
    typer.echo(f"report: {out / 'report.html'}")
