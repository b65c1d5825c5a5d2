"""Server-sent events: what happened in a project, resumable by the id of the last event that was seen.

One poller per process looks at the newest event id, only while somebody listens, and wakes all listeners; so a hundred
open pages cost the database one small query a beat, and events of other processes (the workers) arrive just as well.
Commits of this process wake the poller at once.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from backend.api import schemas
from backend.api.deps import AtRuntime
from backend.api.policy import Policy, PolicyRoute, allow, is_signed_in
from backend.db.models import Event
from backend.errors import MaskmillError
from backend.runtime import Runtime
from backend.services import events, projects

router = APIRouter(prefix="/api", tags=["events"], route_class=PolicyRoute)

BEAT_SECONDS = 0.3
HEARTBEAT_SECONDS = 5.0
RECONNECT_MS = 1500


class _Nudge:
    """Wakes the poller from whatever thread a commit happened in."""

    def __init__(self, loop: asyncio.AbstractEventLoop, nudged: asyncio.Event) -> None:
        self._loop = loop
        self._nudged = nudged

    def __call__(self) -> None:
        with suppress(RuntimeError):  # the loop has ended between two looks: nobody listens any more
            self._loop.call_soon_threadsafe(self._nudged.set)


class Feed:
    """Tells listeners of this process that the event table grew.

    Set `closing`, from any thread, when the server is asked to stop: every stream then ends within a beat, so that the
    server need not wait for pages that stay open.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.newest = 0
        self.closing = False
        self._changed = asyncio.Condition()
        self._nudged = asyncio.Event()
        self._listeners = 0
        self._poller: asyncio.Task[None] | None = None

    async def wait(self, known: int, seconds: float) -> None:
        """Return when the newest event is another one than `known`, when all ends, or after `seconds`."""
        async with self._changed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(lambda: self.newest != known or self.closing), seconds)

    def join(self) -> None:
        """Somebody listens from now on."""
        self._listeners += 1
        if self._poller is None:
            loop = asyncio.get_running_loop()
            self._nudge = _Nudge(loop, self._nudged)
            self.runtime.listeners.append(self._nudge)
            self._poller = loop.create_task(self._poll())

    def leave(self) -> None:
        """Somebody went away; without listeners nobody polls."""
        self._listeners -= 1
        if self._listeners == 0 and self._poller is not None:
            self.runtime.listeners.remove(self._nudge)
            self._poller.cancel()
            self._poller = None

    async def _poll(self) -> None:
        while not self.closing:
            with suppress(MaskmillError):  # the database is away for a moment: look again at the next beat
                await self._announce(await run_in_threadpool(self._newest))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), BEAT_SECONDS)
            self._nudged.clear()
        await self._announce(self.newest)

    async def _announce(self, newest: int) -> None:
        async with self._changed:
            self.newest = newest
            self._changed.notify_all()

    def _newest(self) -> int:
        with self.runtime.read() as session:
            return events.latest_id(session)


def first_seen(
    runtime: AtRuntime,
    project_id: Annotated[str | None, Query(pattern=schemas.UUID_PATTERN)] = None,
    last_event_id: Annotated[str | None, Header(description="Resume after this event.")] = None,
) -> int:
    """Dependency: the id after which the stream starts. Raises NotFound for an unknown project."""
    with runtime.read() as session:
        if project_id is not None:
            projects.find(session, project_id)
        newest = events.latest_id(session)
        if last_event_id is not None and re.fullmatch(r"[0-9]{1,18}", last_event_id):
            # Never beyond the newest: a database that was restored from a backup counts on from where it was.
            return min(int(last_event_id), newest)
        return newest


@router.get("/events", summary="What happens, as it happens", response_class=EventSourceResponse)
@allow(Policy.SIGNED_IN)
async def listen(
    request: Request,
    runtime: AtRuntime,
    seen: Annotated[int, Depends(first_seen)],
    project_id: Annotated[str | None, Query(pattern=schemas.UUID_PATTERN)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Without `Last-Event-ID` the stream starts now; with it, nothing in between is missed. `data` holds `subject_id`,
    `project_id` and what the kind of event tells besides."""
    feed: Feed = request.app.state.feed
    checked_at = time.monotonic()
    feed.join()
    try:
        yield ServerSentEvent(comment="open", retry=RECONNECT_MS)
        while not feed.closing:
            known = feed.newest
            news = await run_in_threadpool(_after, runtime, project_id, seen)
            for event in news:
                seen = event.id
                yield _told(event)
            if time.monotonic() - checked_at >= HEARTBEAT_SECONDS:
                checked_at = time.monotonic()
                if not await run_in_threadpool(is_signed_in, request):
                    return
                yield ServerSentEvent(comment="still here")
            if not news:
                await feed.wait(known, HEARTBEAT_SECONDS)
    finally:
        feed.leave()


def _after(runtime: Runtime, project_id: str | None, seen: int) -> Sequence[Event]:
    with runtime.read() as session:
        return events.after(session, seen, project_id)


def _told(event: Event) -> ServerSentEvent:
    told = event.payload | {"subject_id": event.subject_id, "project_id": event.project_id}
    return ServerSentEvent(raw_data=json.dumps(told, separators=(",", ":")), event=event.kind, id=str(event.id))
