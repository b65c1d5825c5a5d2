"""Server-sent events from a real server: what happens arrives, nothing is missed, streams end when they should."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import uvicorn
from sqlalchemy import update

from backend.app import create_app
from backend.db.models import SignInSession
from backend.db.types import moment
from backend.runtime import Runtime
from tests.web import Browser


class Stream:
    """Reads an event stream in a thread of its own."""

    def __init__(self, address: str, cookie: str, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.status = 0
        self.ended = threading.Event()
        self.opened = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(address, cookie, headers), daemon=True)
        self._thread.start()
        assert self.opened.wait(20)

    def _read(self, address: str, cookie: str, headers: dict[str, str]) -> None:
        told = {"Cookie": f"maskmill_session={cookie}", **headers}
        with httpx2.Client(timeout=30) as client, client.stream("GET", address, headers=told) as answer:
            self.status = answer.status_code
            event: dict[str, Any] = {}
            for line in answer.iter_lines():
                self.lines.append(line)
                self.opened.set()
                name, _, value = line.partition(": ")
                if name in ("id", "event"):
                    event[name] = value
                elif name == "data":
                    event["data"] = json.loads(value)
                elif not line and "data" in event:
                    self.events.append(event)
                    event = {}
                if self._stop.is_set():
                    break
        self.opened.set()
        self.ended.set()

    def wait(self, count: int, seconds: float = 15) -> list[dict[str, Any]]:
        until = time.monotonic() + seconds
        while len(self.events) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.events) >= count, self.lines
        return self.events

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture
def server(runtime: Runtime) -> Iterator[str]:
    """The application behind a real uvicorn on a free port."""
    app = create_app(runtime)
    listener = socket.create_server(("127.0.0.1", 0))
    instance = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=lambda: asyncio.run(instance.serve([listener])))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/events"
    app.state.feed.closing = True
    instance.should_exit = True
    thread.join(20)
    assert not thread.is_alive()
    listener.close()


def test_what_happens_arrives_in_order_and_only_from_the_project(browser: Browser, server: str) -> None:
    project_id, other_id = browser.new_project("one"), browser.new_project("two")
    stream = Stream(f"{server}?project_id={project_id}", browser.cookies["maskmill_session"])
    browser.post(f"/api/projects/{other_id}/categories", json={"name": "elsewhere"})
    for name in ("car", "bus"):
        browser.post(f"/api/projects/{project_id}/categories", json={"name": name})
    events = stream.wait(2)
    assert [event["event"] for event in events] == ["category.changed"] * 2
    assert [event["data"]["name"] for event in events] == ["car", "bus"]
    assert {event["data"]["project_id"] for event in events} == {project_id}
    assert all(event["data"]["subject_id"] for event in events)
    assert int(events[0]["id"]) < int(events[1]["id"])
    assert stream.lines[0] == ": open" and "retry: 1500" in stream.lines
    stream.stop()


def test_a_stream_resumes_after_the_last_event_that_was_seen(browser: Browser, server: str) -> None:
    project_id = browser.new_project()
    cookie = browser.cookies["maskmill_session"]
    first = Stream(f"{server}?project_id={project_id}", cookie)
    browser.post(f"/api/projects/{project_id}/categories", json={"name": "seen"})
    seen = first.wait(1)[0]["id"]
    first.stop()
    for number in range(450):  # more than one page of the event table
        with browser.runtime.write() as uow:
            uow.emit("test.tick", project_id, str(number))
    resumed = Stream(f"{server}?project_id={project_id}", cookie, **{"Last-Event-ID": seen})
    assert [event["data"]["subject_id"] for event in resumed.wait(450)] == [str(number) for number in range(450)]
    resumed.stop()
    fresh = Stream(f"{server}?project_id={project_id}", cookie)
    browser.post(f"/api/projects/{project_id}/categories", json={"name": "new"})
    assert fresh.wait(1)[0]["data"]["name"] == "new"
    fresh.stop()


def test_a_stream_without_a_session_or_of_no_project_is_refused(browser: Browser, stranger: Browser) -> None:
    assert stranger.get("/api/events").status_code == 401
    missing = browser.get("/api/events?project_id=00000000-0000-4000-8000-000000000000")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    assert browser.get("/api/events?project_id=x").status_code == 422


@pytest.mark.slow
def test_access_ends_soon_after_the_session_is_revoked(browser: Browser, server: str) -> None:
    stream = Stream(server, browser.cookies["maskmill_session"])
    with browser.runtime.write() as uow:
        uow.session.execute(update(SignInSession).values(expires_at=moment(-1)))
    assert stream.ended.wait(12)


def test_open_streams_do_not_keep_the_server_from_stopping(browser: Browser, runtime: Runtime) -> None:
    app = create_app(runtime)
    listener = socket.create_server(("127.0.0.1", 0))
    instance = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=60))
    thread = threading.Thread(target=lambda: asyncio.run(instance.serve([listener])))
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/events"
    stream = Stream(address, browser.cookies["maskmill_session"])
    app.state.feed.closing = True
    instance.should_exit = True
    thread.join(20)
    assert not thread.is_alive() and stream.ended.wait(5)
    listener.close()
