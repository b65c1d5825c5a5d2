"""Every `maskmill` command with options in the documents exists, with those options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from backend.main import command_line
from tests.test_docs import DOCUMENTS

ROOT = typer.main.get_command(command_line())


def commands(document: Path) -> list[str]:
    """What follows `maskmill`, in code blocks and between backticks."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`(maskmill [^`]+)`", text)
    return [found.group(1) for line in lines if (found := re.search(r"(?:^|exec -- )maskmill ([a-z].*)", line))]


def command_of(words: list[str]) -> Any:
    command: Any = ROOT
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    return command


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if commands(d)], ids=lambda path: path.name)
def test_documented_commands_have_their_options(document: Path) -> None:
    for line in commands(document):
        if "|" in line.split()[0]:
            continue  # many commands, named in one go
        command = command_of(line.split("#")[0].split())
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        named = set(re.findall(r"(?<!\S)(--[a-z][a-z-]*)", line))
        assert named <= {*known, "--help"}, f"{line}: {named - known}"
