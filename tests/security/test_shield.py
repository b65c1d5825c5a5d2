"""Headers on every response, known hosts only, no change from a foreign page."""

import asyncio
import logging
from typing import Any

import pytest

from backend.api import shield
from backend.app import create_app
from backend.runtime import Runtime
from backend.settings import Settings
from tests import pictures
from tests.web import ORIGIN, Browser, draft

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def assert_shielded(headers: object) -> None:
    for name, value in shield.SECURITY_HEADERS.items():
        assert headers[name] == value, name  # type: ignore[index]
    assert headers["cache-control"]  # type: ignore[index]
    assert not [name for name in headers if name.lower().startswith("access-control-")]  # type: ignore[attr-defined]


def test_every_kind_of_response_carries_the_headers(browser: Browser, stranger: Browser) -> None:
    """SEC: success, redirect, 304, 401, 404, 405, 409, 413, 415, 421, 422, static and streams alike."""
    image = browser.new_image(browser.new_project())
    etag = browser.get(f"/api/images/{image['id']}/pixels").headers["etag"]
    saved = draft()
    answers = [
        browser.get("/api/me"),
        browser.get("/api/health"),
        browser.get("/login?token=x"),
        stranger.get("/login?token=x"),
        browser.get(f"/api/images/{image['id']}/thumbnail"),
        browser.get(f"/api/images/{image['id']}/pixels", headers={"If-None-Match": etag}),
        stranger.get("/api/me"),
        browser.get(f"/api/images/{UNKNOWN}"),
        browser.get("/nothing"),
        browser.get("/"),
        browser.put("/api/me"),
        browser.post(f"/api/images/{image['id']}/annotations", json=saved),
        browser.post(f"/api/images/{image['id']}/annotations", json={**saved, "source": "brush"}),
        browser.post("/api/projects", json={"name": "a", "description": "x" * 3_000_000}),
        browser.post(f"/api/projects/{image['project_id']}/images", json={}),
        browser.post("/api/projects", json={}),
        browser.get("/api/me", headers={"Host": "evil.example"}),
        browser.post("/api/projects", json={}, headers={"Origin": "http://evil.example"}),
        browser.delete(f"/api/annotations/{saved['id']}"),
    ]
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 201, 204, 303, 304, 401, 403, 404, 405, 409, 413, 415, 421, 422}
    for answer in answers:
        assert_shielded(answer.headers)


def test_an_unforeseen_error_is_an_envelope_with_headers_and_tells_nothing(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("backend.services.projects.overviews", broken)
    with caplog.at_level(logging.ERROR):
        answer = browser.get("/api/projects")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")
    assert "secret" not in answer.text and "the secret of the house" in caplog.text
    assert_shielded(answer.headers)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b"])
def test_a_caller_that_goes_away_in_the_middle_leaves_nothing_behind(
    browser: Browser, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    project_id = browser.new_project()
    address = "/api/projects" if "json" in kind else f"/api/projects/{project_id}/images"
    cookie = f"maskmill_session={browser.cookies['maskmill_session']}"
    headers = {"host": "127.0.0.1:8600", "content-type": kind, "content-length": "1000", "cookie": cookie}
    messages = [
        {"type": "http.request", "body": b'--b\r\nContent-Disposition: form-data; name="fil', "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered: list[object] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: object) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "POST", "path": address, "raw_path": address.encode(), "query_string": b""}
    scope |= {"headers": [(name.encode(), value.encode()) for name, value in headers.items()], "scheme": "http"}
    asyncio.run(browser.app({**scope, "root_path": "", "http_version": "1.1"}, receive, send))  # type: ignore[arg-type]
    assert answered == [] and messages == [] and caplog.text == ""
    assert not list((browser.runtime.settings.data_dir / "incoming").glob("*"))
    assert len(browser.get("/api/projects").json()["projects"]) == 1


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8600",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.1:8600@evil.example",
        "localhost:80:80",
        "localhost:x",
        "0.0.0.0:8600",
        "[::2]",
        "",
        "localhost/../",
        "127.0.0.1:8600, evil.example",
    ],
)
def test_other_host_names_are_not_answered(browser: Browser, host: str) -> None:
    """A page of another name that resolves to this machine (DNS rebinding) gets nothing."""
    answer = browser.get("/api/me", headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:8600", "LOCALHOST", "[::1]:8600", "[::1]"])
def test_loopback_names_are_answered(browser: Browser, host: str) -> None:
    assert browser.get("/api/me", headers={"Host": host}).status_code == 200


def test_configured_names_are_answered_and_the_address_for_all_is_no_name(runtime: Runtime) -> None:
    everywhere = "0.0.0.0"  # noqa: S104 - nothing listens in this test
    names = ("Masks.Example",)
    runtime.settings = Settings(data_dir=runtime.settings.data_dir, host=everywhere, allowed_hosts=names)
    client = Browser(runtime)
    assert client.get("/api/health", headers={"Host": "masks.example:443"}).status_code == 200
    assert client.get("/api/health", headers={"Host": "0.0.0.0:8600"}).status_code == 421
    assert create_app(runtime).user_middleware


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:8601"},
        {"Origin": "http://localhost:8600"},
        {"Origin": "http://127.0.0.1:8600.evil.example"},
        {"Origin": "http://evil.example@127.0.0.1:8600"},
        {"Origin": "file://127.0.0.1:8600"},
        {"Origin": ORIGIN + "/path"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_no_change_is_taken_from_a_foreign_page(browser: Browser, headers: dict[str, str]) -> None:
    """SEC: a signed-in browser that visits another page must not be made to act."""
    project_id = browser.new_project()
    attempts = [
        browser.post("/api/projects", json={"name": "forged"}, headers=headers),
        browser.patch(f"/api/projects/{project_id}", json={"name": "forged"}, headers=headers),
        browser.delete(f"/api/projects/{project_id}", headers=headers),
        browser.post(
            f"/api/projects/{project_id}/images", files=[("files", ("a.png", pictures.png()))], headers=headers
        ),
    ]
    for answer in attempts:
        assert (answer.status_code, answer.json()["error"]) == (403, "foreign_origin")
    projects = browser.get("/api/projects").json()["projects"]
    assert [(project["name"], project["image_count"]) for project in projects] == [("Streets", 0)]


def test_the_own_page_and_programs_are_taken(browser: Browser) -> None:
    for headers in ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, {"Origin": ORIGIN}, {}):
        assert browser.post("/api/projects", json={"name": "mine"}, headers=headers).status_code == 201


def test_reading_from_a_foreign_page_reveals_nothing_to_it(browser: Browser) -> None:
    answer = browser.get("/api/projects", headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers
    preflight = browser.options("/api/projects", headers={"Origin": "http://evil.example"})
    assert preflight.status_code == 405 and "access-control-allow-origin" not in preflight.headers


def test_what_is_stored_never_runs_as_a_page(browser: Browser) -> None:
    """SEC-07: types are chosen by the server, and nothing that came in is served as it came."""
    project_id = browser.new_project()
    script = b"<html><script>alert(1)</script></html>"
    both = pictures.jpeg() + script
    image = browser.upload(project_id, **{"page.html": both})["accepted"][0]
    from tests import make

    make.work_off(browser.runtime)
    for name in ("pixels", "thumbnail"):
        answer = browser.get(f"/api/images/{image['id']}/{name}")
        assert answer.headers["content-type"] in ("image/jpeg", "image/webp")
        assert script not in answer.content and answer.headers["x-content-type-options"] == "nosniff"
