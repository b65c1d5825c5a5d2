"""What endpoints ask for: the runtime and the caller.

Endpoints open their transaction themselves, with `runtime.read()` or `runtime.write()`, and so in one thread and for no
longer than they need it. As a dependency with `yield` it would be opened, used and committed in three different threads
of the pool: whoever waits for the writer's turn would then hold the thread that the writer needs to go on (measured: 6
changes at once are enough for errors).
"""

from typing import Annotated, cast

from fastapi import Depends, Request

from backend.runtime import Runtime
from backend.services.accounts import SignedIn


def runtime(request: Request) -> Runtime:
    """The composition root that the application was made with."""
    return cast(Runtime, request.app.state.runtime)


def actor(request: Request) -> SignedIn:
    """The caller, as the route's policy found it before the body was read."""
    return cast(SignedIn, request.state.actor)


AtRuntime = Annotated[Runtime, Depends(runtime)]
Caller = Annotated[SignedIn, Depends(actor)]
