import gzip
from pathlib import Path

import pytest

from backend.api import pages
from tests.web import browser, stranger

__all__ = ["browser", "stranger"]


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page as Vite leaves it, beside a file that nobody may read."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "theme.js").write_text("document")
    (folder / "favicon.svg").write_text("<svg/>")
    script = b"export const answer = 42;" * 50
    (folder / "assets" / "main-abc.js").write_bytes(script)
    (folder / "assets" / "main-abc.js.gz").write_bytes(gzip.compress(script))
    (folder / "assets" / "main-abc.js.br").write_bytes(b"brotli bytes")
    for name in ("glue.mjs", "ort.wasm", "page.css"):
        (folder / "assets" / name).write_bytes(b"x")
    (tmp_path / "secret.js").write_text("secret")
    (folder / "assets" / ".hidden.js").write_text("secret")
    monkeypatch.setattr(pages, "STATIC", folder)
    return folder
