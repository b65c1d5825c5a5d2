"""Deny by default: every route names its policy, and without a session nothing but the public ones answers (SEC-09)."""

import re
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, Route

from backend.api import schemas
from backend.api.policy import Policy, PolicyRoute, UnclassifiedRoute, allow, require_policies
from backend.app import describe_app, openapi
from segmenter import masks
from tests.web import Browser

# Written by hand: a route that becomes public must be added here by somebody who thought about it.
PUBLIC = {"/login", "/api/health", "/", "/projects/{rest}", "/assets/{name}", "/{name}"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def routes() -> list[tuple[str, set[str], Policy]]:
    found = []
    for context in iter_route_contexts(describe_app().routes):
        assert isinstance(context.original_route, PolicyRoute)
        path = re.sub(r":path\}", "}", context.path or "")
        found.append((path, set(context.methods or ()), context.original_route.rule.policy))
    return found


def test_exactly_these_routes_are_public() -> None:
    assert {path for path, _, policy in routes() if policy is Policy.PUBLIC} == PUBLIC
    assert len(routes()) > 35


def test_a_route_without_a_policy_keeps_the_application_from_starting() -> None:
    router = APIRouter(route_class=PolicyRoute)
    with pytest.raises(UnclassifiedRoute, match="declares no policy"):

        @router.get("/open")
        def open_door() -> str:
            return "come in"


@pytest.mark.parametrize("kind", ["route", "mount", "plain router"])
def test_routes_that_came_another_way_are_found_too(kind: str) -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    require_policies(app.routes)
    if kind == "route":
        app.router.routes.append(Route("/open", lambda request: None))  # type: ignore[arg-type, return-value]
    elif kind == "mount":
        app.router.routes.append(Mount("/open", FastAPI()))
    else:
        plain = APIRouter()
        plain.add_api_route("/open", lambda: "come in")
        app.include_router(plain)
    with pytest.raises(UnclassifiedRoute):
        require_policies(app.routes)


def test_a_policy_is_nothing_that_one_can_misspell() -> None:
    @allow(Policy.PUBLIC)
    def endpoint() -> None: ...

    with pytest.raises(UnclassifiedRoute):
        PolicyRoute("/x", lambda: None)
    assert PolicyRoute("/x", endpoint).rule.policy is Policy.PUBLIC


def operations() -> list[tuple[str, str]]:
    """(method, address) of every operation that needs a session, with ids filled in."""
    found = []
    for path, methods, policy in routes():
        if policy is not Policy.PUBLIC:
            address = re.sub(r"\{\w*digest\}", "0" * 64, path)
            found += [(method, re.sub(r"\{\w+\}", UNKNOWN, address)) for method in sorted(methods)]
    return found


@pytest.mark.parametrize("cookie", [None, "", "made up", "a" * 10_000])
def test_without_a_session_every_operation_is_401(stranger: Browser, cookie: str | None) -> None:
    headers = {} if cookie is None else {"Cookie": f"maskmill_session={cookie}"}
    for method, address in operations():
        for body in (b"", b"{", b'{"name": "x"}', b"\xff" * 1000):
            sent = {"Content-Type": "application/json", **headers}
            answer = stranger.request(method, address, content=body, headers=sent)
            assert answer.status_code == 401, (method, address)
            assert answer.json()["error"] == "signed_out"
    assert len(operations()) > 30


def test_methods_that_an_address_does_not_take_are_refused(browser: Browser) -> None:
    for path, methods, _ in routes():
        address = re.sub(r"\{\w+\}", "x", path)
        taken = {method for other, known, _ in routes() if _matches(other, address) for method in known}
        for method in set(METHODS) - taken:
            answer = browser.request(method, address)
            assert answer.status_code in (404, 405), (method, address)
        assert methods


def _matches(path: str, address: str) -> bool:
    pattern = re.sub(r"\\\{rest\\\}", ".*", re.escape(path))
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), address) is not None


def test_the_document_names_the_session_for_every_operation_that_needs_it() -> None:
    document: dict[str, Any] = openapi()
    assert document["components"]["securitySchemes"]["session"]["in"] == "cookie"
    for path, operations_at in document["paths"].items():
        for operation in operations_at.values():
            assert ("security" in operation) == (path not in PUBLIC), path
            assert operation["summary"] and operation["tags"]
            assert ("401" in operation["responses"]) == (path not in PUBLIC)


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for at in openapi()["paths"].values() for operation in at.values()]
    assert len(ids) == len(set(ids)) > 30


def test_the_examples_of_the_document_are_valid() -> None:
    for model in (schemas.AnnotationIn, schemas.AnnotationChange):
        for example in model.model_json_schema()["examples"]:
            model.model_validate(example)
    mask = schemas.EXAMPLE_MASK
    assert masks.area(masks.parse(mask["size"], mask["counts"], (60, 80))) == 60
