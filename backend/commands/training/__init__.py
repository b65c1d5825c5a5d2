"""`train` and `calibrate`: from pictures with masks to a model."""

from __future__ import annotations

import typer

from backend.commands.training import calibrate, train


def register(app: typer.Typer) -> None:
    app.command()(train.train)
    app.command()(calibrate.calibrate)
