"""The page's own files: one index for every address, hashed assets for ever, precompressed, nothing from outside."""

from pathlib import Path

import pytest

from tests.web import Browser


@pytest.mark.parametrize("address", ["/", "/projects/p", "/projects/p/images/i", "/projects/p/exports"])
def test_every_address_of_the_page_is_the_index(stranger: Browser, static: Path, address: str) -> None:
    answer = stranger.get(address)
    assert answer.status_code == 200 and "<title>page</title>" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert stranger.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert stranger.head(address).status_code == 200


def test_a_rebuilt_page_has_another_tag(stranger: Browser, static: Path) -> None:
    before = stranger.get("/").headers["etag"]
    (static / "index.html").write_text("<!doctype html><title>another page</title>")
    after = stranger.get("/", headers={"If-None-Match": before})
    assert after.status_code == 200 and after.headers["etag"] != before


def test_assets_are_kept_for_ever_and_sent_as_small_as_the_browser_takes(stranger: Browser, static: Path) -> None:
    address = "/assets/main-abc.js"
    plain = stranger.get(address, headers={"Accept-Encoding": "identity"})
    assert "immutable" in plain.headers["cache-control"] and plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers
    zipped = stranger.get(address, headers={"Accept-Encoding": "gzip, deflate"})
    assert zipped.headers["content-encoding"] == "gzip" and zipped.content == plain.content
    assert stranger.head(address, headers={"Accept-Encoding": "gzip, br;q=0.9"}).headers["content-encoding"] == "br"
    assert stranger.head(address, headers={"Accept-Encoding": "br;q=0, gzip"}).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/assets/glue.mjs", "text/javascript; charset=utf-8"),
        ("/assets/ort.wasm", "application/wasm"),
        ("/assets/page.css", "text/css; charset=utf-8"),
        ("/theme.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ],
)
def test_types_are_those_that_browsers_insist_on(stranger: Browser, static: Path, address: str, kind: str) -> None:
    assert stranger.get(address).headers["content-type"] == kind


@pytest.mark.parametrize(
    "address",
    [
        "/assets/../../secret.js",
        "/assets/..%2f..%2fsecret.js",
        "/assets/%2e%2e/%2e%2e/secret.js",
        "/assets/..%5c..%5csecret.js",
        "/assets/%00.js",
        "/assets/.hidden.js",
        "/assets/main-abc.js.gz",
        "/..%2fsecret.js",
        "/%2e%2e%2fsecret.js",
        "/secret.js",
        "/assets/",
        "/assets",
        "/%2fetc%2fpasswd",
        "//etc/passwd",
    ],
)
def test_nothing_else_can_be_read(stranger: Browser, static: Path, address: str) -> None:
    """SEC-10: the traversal corpus against the page's own files."""
    answer = stranger.get(address)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_people_see_the_page_where_nothing_is_and_programs_the_envelope(stranger: Browser, static: Path) -> None:
    for address in ("/nothing", "/nothing/here", "/nothing.html"):
        person = stranger.get(address, headers={"Accept": "text/html,*/*;q=0.8"})
        assert person.status_code == 404 and "<title>page</title>" in person.text
        assert stranger.get(address).json()["error"] == "not_found"
    for address in ("/api/nothing", "/assets/nothing.js"):
        assert stranger.get(address, headers={"Accept": "text/html"}).json()["error"] == "not_found"


def test_a_page_that_was_not_built_says_how(stranger: Browser, static: Path) -> None:
    (static / "index.html").unlink()
    answer = stranger.get("/")
    assert answer.status_code == 503 and "./run setup" in answer.text


def test_health_says_what_is_missing(stranger: Browser) -> None:
    answer = stranger.get("/api/health")
    assert answer.status_code == 200
    health = answer.json()
    assert (health["status"], health["database"], health["storage"]) == ("degraded", True, True)
    assert health["worker"] == {"alive": False, "seen_at": None}
