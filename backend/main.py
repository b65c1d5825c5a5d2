"""The command `maskmill`."""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

from backend import commands
from backend.errors import MaskmillError


def command_line() -> typer.Typer:
    """The application with the commands of every file in backend/commands."""
    app = typer.Typer(
        help="Maskmill: people click, a model draws the masks, everybody gets a data set.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for module in sorted(iter_modules(commands.__path__), key=lambda found: found.name):
        import_module(f"backend.commands.{module.name}").register(app)
    for group in (app, *(one.typer_instance for one in app.registered_groups)):
        for command in group.registered_commands if group else ():
            command.cls = commands.Command
    return app


def main() -> None:
    """Errors of the tree become one line and exit status 1; anything else is a defect and shows its traceback."""
    try:
        command_line()()
    except MaskmillError as error:
        typer.echo(f"maskmill: {error.detail}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
