"""A browser, servers in both modes, photographs. Every test gets a browser profile of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect, sync_playwright

from tests import programs, servers
from tests.e2e import photographs, serving
from tests.e2e.replay import Torch

FLAGS = [
    "--no-sandbox",  # chromium as root, as in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1280, "height": 720}
PATIENCE_MS = 60_000  # no test is about how fast the machine is; what fails fails by what it sees
expect.set_options(timeout=PATIENCE_MS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not photographs.have_shared():
        terminalreporter.section("photographs")
        terminalreporter.line(photographs.FALLBACK)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    program = programs.chromium()
    if program is None:
        pytest.skip("no Chromium or Chrome: run the tests by ./run test, or set MASKMILL_CHROMIUM")
    launched = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
    yield launched
    launched.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes pages; `isolated=False` takes the isolation headers off, so that the decoder has to do with one thread."""
    contexts: list[BrowserContext] = []

    def make(isolated: bool = True) -> Page:
        context = browser.new_context(viewport=SIZE, accept_downloads=True)
        contexts.append(context)
        if not isolated:
            context.route("**/*", without_isolation)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield make
    for context in contexts:
        context.close()


def without_isolation(route: Route) -> None:
    """Serve a document as a proxy would that drops the two headers of cross-origin isolation."""
    if route.request.resource_type != "document":
        route.continue_()
        return
    answer = route.fetch(max_redirects=0)
    dropped = {"cross-origin-opener-policy", "cross-origin-embedder-policy"}
    route.fulfill(response=answer, headers={k: v for k, v in answer.headers.items() if k not in dropped})


@pytest.fixture(scope="session")
def embedded() -> Iterator[serving.Server]:
    with serving.embedded() as server:
        yield server


@pytest.fixture(scope="session")
def distributed() -> Iterator[serving.Server]:
    try:
        with serving.distributed() as server:
            yield server
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def torch_model() -> Torch:
    return Torch.start()


@pytest.fixture(scope="session")
def some_photographs(tmp_path_factory: pytest.TempPathFactory) -> list[photographs.Photograph]:
    return photographs.photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="session")
def broken_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("broken") / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 this is no photograph")
    return path
