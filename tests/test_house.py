"""The rules of the house that a machine can see: sizes, leftovers, reasons, direction of imports, documents."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("backend", "workers", "segmenter", "migrations", "benchmarks", "tests", "frontend")
NOT_OURS = {"node_modules", "static", "weights", "dist", "__pycache__"}
GENERATED = re.compile(r"\.gen\.ts$|\.d\.ts$")
WORDS = [
    *("project", "category", "image", "embedding", "prompt", "mask", "annotation", "proposal", "assignment", "stage"),
    *("round", "snapshot", "model version", "gate report", "promotion", "rating", "audit", "job", "event"),
    *("export", "import"),
]

# Written in two pieces so that this file does not find itself.
LEFTOVER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
BARE_NOQA = re.compile("# no" + r"qa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)* \S)")
BARE_TYPE_IGNORE = re.compile("# type: ig" + r"nore(?!\[)")


def sources(*suffixes: str) -> Iterator[Path]:
    for room in ROOMS:
        for folder, folders, names in os.walk(ROOT / room):
            folders[:] = [name for name in folders if name not in NOT_OURS]
            yield from (Path(folder, name) for name in names if name.endswith(suffixes) and not GENERATED.search(name))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def matches(pattern: re.Pattern[str], *suffixes: str) -> list[str]:
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in sources(*suffixes)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_files_have_at_most_500_lines() -> None:
    files = list(sources(".py", ".ts", ".tsx", ".css"))
    assert len(files) > 20, "the walk found no sources: the test looks in the wrong place"
    long = {name_of(path): lines for path in files if (lines := len(path.read_text("utf-8").splitlines())) > 500}
    assert not long


def test_functions_have_at_most_80_lines() -> None:
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in sources(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 80
    ]
    assert not long


def test_nothing_is_left_for_later() -> None:
    assert not matches(LEFTOVER, ".py", ".ts", ".tsx", ".css")


def test_every_silenced_rule_is_named_and_has_a_reason() -> None:
    assert not matches(BARE_NOQA, ".py")
    assert not matches(BARE_TYPE_IGNORE, ".py")


def test_every_ignored_lint_rule_has_a_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = tomllib.loads(text)["tool"]["ruff"]["lint"]["ignore"]
    assert ignored
    assert not [rule for rule in ignored if not re.search(rf'"{rule}",\s+# \w+', text)]


def test_imports_point_in_one_direction() -> None:
    code = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    checked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("backend.app", "torch"),
        ("segmenter.masks", "torch"),
        ("segmenter.transforms", "torch"),
        ("workers.celery_app", "fastapi"),
    ],
)
def test_importing_a_module_does_not_load_what_it_must_not_know(module: str, forbidden: str) -> None:
    code = f"import sys, {module}; sys.exit({forbidden!r} in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr or f"{module} imports {forbidden}"


def test_every_setting_is_documented() -> None:
    from backend.settings import Settings

    documented = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    of_product, of_development = documented.split("Only for setting up and testing")
    names = {f"MASKMILL_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"^\| `(MASKMILL_\w+)`", of_product, re.M)) == names
    assert "MASKMILL_TORCH" in of_development


def test_every_word_of_the_house_is_explained() -> None:
    explained = (ROOT / "docs/words.md").read_text(encoding="utf-8")
    assert not [word for word in WORDS if f"**{word}**" not in explained]
