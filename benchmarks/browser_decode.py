"""Click to painted, in the built page, in Chromium: the starter's decoder beside one of the official shape.

    python -m benchmarks.browser_decode [--clicks N] [--threads N]

Both run in the same browser through the same page: only the model release differs. The page itself measures from the
pointer event to the frame that shows the mask, and the decode apart from it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks import official_shape
from benchmarks.report import compare, machine, percentiles
from segmenter.manifest import STARTER
from tests import programs
from tests.e2e import serving
from tests.e2e.conftest import FLAGS, SIZE
from tests.e2e.pages import Grid, create_project

MEASURES = ("maskmill:click-painted", "maskmill:decode")


def photograph(folder: Path) -> Path:
    """A photograph of 3.4 megapixels: upsampling and painting are part of what is timed."""
    from skimage.data import coffee

    path = folder / "coffee.jpg"
    Image.fromarray(coffee()).resize((2250, 1500), Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def clicks(browser: Browser, release: Path, folder: Path, count: int, threads: int | None) -> dict[str, list[float]]:
    """Serves a release, opens one image and clicks ``count`` times; milliseconds by measure."""
    with serving.serving(folder / "data", "--no-demo", MASKMILL_RELEASE_DIR=str(release)) as server:
        page = browser.new_context(viewport=SIZE).new_page()
        server.sign_in(page)
        create_project(page, "benchmark")
        grid = Grid(page)
        picture = photograph(folder)
        grid.upload([picture])
        grid.wait_until_embedded([picture.name])
        editor = grid.open(picture.name)
        if threads is not None:
            page.goto(f"{page.url}?threads={threads}")
            editor.wait_until_ready()
        page.evaluate("performance.clearMeasures()")
        places = np.random.default_rng(0).uniform(0.2, 0.8, (count, 2)) * (2250, 1500)
        for x, y in places:
            editor.click(float(x), float(y))
            page.keyboard.press("Escape")
        used = editor.root.get_attribute("data-threads")
        read = "name => performance.getEntriesByName(name).map(entry => entry.duration)"
        found = {name: list(page.evaluate(read, name)) for name in MEASURES}
        page.context.close()
    for name, values in found.items():
        print(f"{release.name} ({used} threads): {name.partition(':')[2]} ms {percentiles(values)}  n={len(values)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--threads", type=int, default=None, help="of the decoder; the page's choice by default")
    options = parser.parse_args()
    program = programs.chromium()
    if program is None:
        raise SystemExit("no Chromium or Chrome was found; ./run test installs one or says how")
    print(machine())
    with tempfile.TemporaryDirectory(prefix="maskmill-benchmark-") as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
        peer = official_shape.write(folder)
        ours, theirs = (
            clicks(browser, release, folder / release.name, options.clicks, options.threads)
            for release in (STARTER, peer)
        )
        browser.close()
    for measure, goal in zip(MEASURES, (1.0, 2.0), strict=True):
        medians = (float(np.median(found[measure])) for found in (ours, theirs))
        compare(measure.partition(":")[2], "official Segment Anything decoder shape", *medians, "ms", goal)


if __name__ == "__main__":
    main()
