"""After set-up no network is needed: server, worker and browser in a network namespace that has only loopback."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests import programs
from tests.e2e.conftest import FLAGS, SIZE
from tests.e2e.pages import Grid, create_project
from tests.e2e.photographs import Photograph
from tests.e2e.serving import Server, serving

pytestmark = pytest.mark.e2e

ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def can_be_alone() -> bool:
    if not (shutil.which("unshare") and shutil.which("nsenter") and shutil.which("ip")):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def lonely_server(tmp_path: Path) -> Iterator[Server]:
    if not can_be_alone():
        pytest.skip("this machine lets us make no network namespace (Linux, as root, with iproute2)")
    with serving(tmp_path / "data", "--no-demo", prefix=ALONE) as server:
        yield server


def browser_beside(server: Server, folder: Path) -> Path:
    """A program that starts the browser in the server's network namespace."""
    script = folder / "browser"
    command = ["nsenter", "--net", "--target", str(server.process_id), "--", str(programs.chromium())]
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o755)
    return script


def test_a_mask_without_any_network(
    lonely_server: Server, playwright: Playwright, some_photographs: list[Photograph], tmp_path: Path
) -> None:
    outside = subprocess.run(
        ["nsenter", "--net", "--target", str(lonely_server.process_id), "--", "ip", "-brief", "address"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0] for line in outside.stdout.splitlines() if " UP " in line or "127.0.0.1" in line] == ["lo"]

    program = browser_beside(lonely_server, tmp_path)
    browser = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
    page = browser.new_page(viewport=SIZE)
    lonely_server.sign_in(page)
    create_project(page, "No network")
    photograph, grid = some_photographs[0], Grid(page)
    grid.upload([photograph.path])
    grid.wait_until_embedded([photograph.path.name])
    editor = grid.open(photograph.path.name)
    editor.click(*photograph.points[0])
    assert editor.draft().any()
    editor.accept()
    editor.wait_until_saved()
    browser.close()
