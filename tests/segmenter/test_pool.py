"""Work in processes: it ends when it is told to, and with whoever began it."""

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from segmenter.evaluate.pool import spread
from tests import servers
from tests.faults.rig import children, lives

SLEEPERS = "import time; from segmenter.evaluate.pool import spread; list(spread(time.sleep, [3600, 3600, 3600], 2))"


def noted(folder: Path, item: int) -> int:
    time.sleep(0.2)
    (folder / str(item)).touch()
    return item


class Enough(Exception):
    pass


@pytest.mark.slow
def test_what_a_report_raises_ends_the_work_that_was_not_begun(tmp_path: Path) -> None:
    def report(done: int, total: int) -> None:
        assert (done, total) == (1, 60)
        raise Enough

    found = spread(partial(noted, tmp_path), range(60), 2, report)
    assert next(found) == 0
    with pytest.raises(Enough):
        next(found)
    assert 1 <= len(list(tmp_path.iterdir())) < 30


@pytest.mark.slow
def test_a_killed_parent_leaves_no_process() -> None:
    parent = subprocess.Popen([sys.executable, "-c", SLEEPERS])

    def asleep() -> list[int]:
        return [child for child, line in children(parent.pid).items() if "spawn_main" in line]

    try:
        servers.wait_until(lambda: len(asleep()) == 2, "both processes", 120)
        left = asleep()
        assert all(lives(child) for child in left)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait(60)
    servers.wait_until(lambda: not any(lives(child) for child in left), "their end", 120)
