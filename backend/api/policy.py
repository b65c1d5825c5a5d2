"""Who may call what: every route names its policy, and one that names none keeps the application from starting.

The decision is taken on the matched route object, before the body is read; nothing looks at the path string.
"""

import json
import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from backend.api import cookies
from backend.api.schemas import Problem
from backend.errors import Invalid, NotAllowed
from backend.services import accounts

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
MARK = "maskmill_policy"
BODY_LIMIT = 2 * 1024 * 1024
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Policy(StrEnum):
    """What a caller must be."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"


class UnclassifiedRoute(RuntimeError):
    """A route without a policy: a mistake of ours that must stop the start, not surface as an open door."""


@dataclass(frozen=True)
class Rule:
    """What a route demands: who may call it, and how many bytes of JSON it takes."""

    policy: Policy
    body_limit: int = BODY_LIMIT


def allow(policy: Policy, body_limit: int = BODY_LIMIT) -> Callable[[Endpoint], Endpoint]:
    """Declare the policy of an endpoint: `@router.get(...)` above, `@allow(Policy.SIGNED_IN)` below it."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, MARK, Rule(policy, body_limit))
        return endpoint

    return mark


class PolicyRoute(APIRoute):
    """A route that checks its policy first and reads JSON strictly afterwards."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        rule = getattr(endpoint, MARK, None)
        if not isinstance(rule, Rule):
            raise UnclassifiedRoute(f"{path} ({endpoint.__name__}) declares no policy")
        self.rule = rule
        if rule.policy is Policy.SIGNED_IN:
            options["responses"] = {401: {"model": Problem, "description": "Not signed in."}} | (
                options.get("responses") or {}
            )
            options["openapi_extra"] = {"security": [{"session": []}]} | (options.get("openapi_extra") or {})
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if self.rule.policy is Policy.SIGNED_IN:
                request.state.actor = await run_in_threadpool(signed_in_actor, request)
            strict = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                await strict.read_at_most(self.rule.body_limit)
            return await inner(strict)

        return handler


def signed_in_actor(request: Request) -> accounts.SignedIn:
    """The caller by the session cookie; refused with 401 when it is missing, unknown, expired or revoked."""
    token = request.cookies.get(cookies.NAME, "")
    if not token:
        raise accounts.signed_out()
    with request.app.state.runtime.read() as session:
        return accounts.actor_of_session(session, token)


def is_signed_in(request: Request) -> bool:
    """Whether the request carries a live session."""
    try:
        signed_in_actor(request)
    except NotAllowed:
        return False
    return True


class StrictRequest(Request):
    """A request whose JSON is that of the standard: no NaN or Infinity, no key twice, only text that can be stored."""

    async def json(self) -> Any:
        return strict_json(await self.body())

    async def read_at_most(self, limit: int) -> None:
        """Read the body up to `limit` bytes; Invalid (413) for a longer one, however it is announced."""
        received = bytearray()
        async for chunk in self.stream():
            received += chunk
            if len(received) > limit:
                raise Invalid(f"The request is larger than {limit} bytes.", code="too_large", status=413)
        self._body = bytes(received)


def strict_json(body: bytes) -> Any:
    """Parse; raises json.JSONDecodeError for all that Python's parser would let pass beside the standard."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("the body is not UTF-8", "", error.start) from error
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
        if "\\u" in text:  # the only way in for such characters
            _check_text(value)
        return value
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deeply", "", 0) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # from the hooks below, or an integer of thousands of digits
        raise json.JSONDecodeError(str(error), "", 0) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return table


def _check_text(value: object) -> None:
    """Neither half of a surrogate pair, which no UTF-8 can say, nor NUL, which PostgreSQL does not hold."""
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            raise ValueError("a text holds a character that cannot be stored")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)


def require_policies(routes: Iterable[BaseRoute]) -> None:
    """Walk all routes, included ones too; raises UnclassifiedRoute for any that carries no policy."""
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        if not isinstance(route, PolicyRoute):
            raise UnclassifiedRoute(f"{getattr(route, 'path', route)} is not a route with a policy")
