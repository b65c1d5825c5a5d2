"""What endpoints ask for: the runtime, a session to read, a unit of work to write, the caller."""

from collections.abc import Iterator
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from backend.runtime import Runtime
from backend.services.accounts import SignedIn
from backend.uow import UnitOfWork


def runtime(request: Request) -> Runtime:
    """The composition root that the application was made with."""
    return cast(Runtime, request.app.state.runtime)


def reader(runtime: Annotated[Runtime, Depends(runtime)]) -> Iterator[Session]:
    """A read transaction for the length of the request."""
    with runtime.read() as session:
        yield session


def writer(runtime: Annotated[Runtime, Depends(runtime)]) -> Iterator[UnitOfWork]:
    """One unit of work; with scope="function" it commits before the answer is sent, so 200 means stored."""
    with runtime.write() as uow:
        yield uow


def actor(request: Request) -> SignedIn:
    """The caller, as the route's policy found it before the body was read."""
    return cast(SignedIn, request.state.actor)


AtRuntime = Annotated[Runtime, Depends(runtime)]
Reader = Annotated[Session, Depends(reader, scope="function")]
Writer = Annotated[UnitOfWork, Depends(writer, scope="function")]
Caller = Annotated[SignedIn, Depends(actor)]
