"""`./run` says plainly what is missing or wrong; the real set-up is what `.ci/run` does on a fresh machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = [
    *("bash", "cat", "cksum", "cp", "cut", "dirname", "env", "find", "grep", "id", "ls", "mkdir", "mktemp", "rm", "sh"),
    *("sleep", "sort", "tail", "tr", "uname", "xargs"),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, on a machine with nothing but the usual small programs."""
    folder, programs = tmp_path / "a folder with spaces", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    for name in ("run", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (programs / tool).symlink_to(found)
    return folder


def run(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout), **variables}
    return subprocess.run([checkout / "run", *arguments], env=environment, capture_output=True, text=True, check=False)


def test_help_lists_the_commands(checkout: Path) -> None:
    shown = run(checkout, "help")
    assert shown.returncode == 0
    for command in ("./run setup", "./run test", "./run check", "./run exec", "--torch auto|cpu|cuda"):
        assert command in shown.stdout


def test_an_unknown_command_is_an_error_that_helps(checkout: Path) -> None:
    answer = run(checkout, "tests")
    assert answer.returncode != 0
    assert "There is no 'tests'" in answer.stderr
    assert "./run help" in answer.stderr


def test_a_missing_python_is_named(checkout: Path) -> None:
    answer = run(checkout, "setup")
    assert answer.returncode != 0
    assert "Python 3.11 or newer is needed" in answer.stderr


def test_an_old_python_is_not_taken(checkout: Path) -> None:
    old = checkout.parent / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # it fails the question whether it is new enough
    old.chmod(0o755)
    assert "Python 3.11 or newer is needed" in run(checkout, "setup").stderr


def test_a_wrong_torch_is_refused_before_anything_is_done(checkout: Path) -> None:
    answer = run(checkout, "--torch", "gpu", "setup")
    assert answer.returncode != 0
    assert "--torch is auto, cpu or cuda" in answer.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(("node", "words"), [("", "was not found"), ('echo "v18.1.0"; exit 1', "this is v18.1.0")])
def test_a_missing_or_old_node_is_named(checkout: Path, node: str, words: str) -> None:
    pretend_python_is_set_up(checkout)
    (checkout / "frontend").mkdir()
    for name in ("package.json", "package-lock.json"):
        (checkout / "frontend" / name).write_text("{}")
    if node:
        for name in ("node", "npm"):
            program = checkout.parent / "bin" / name
            program.write_text(f"#!/bin/sh\n{node}\n")
            program.chmod(0o755)
    answer = run(checkout, "setup")
    assert answer.returncode != 0
    assert "Node.js 20 or newer" in answer.stderr
    assert words in answer.stderr


def pretend_python_is_set_up(checkout: Path) -> None:
    environment = checkout / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(shutil.which("true") or os.devnull)
    (environment / "made-at").write_text(f"{checkout}\n")
    summed = "cat pyproject.toml constraints.txt | cksum"
    state = subprocess.run(
        ["sh", "-c", summed], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout.strip()
    (environment / "installed").write_text(f"{state} auto\n")
