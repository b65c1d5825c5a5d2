"""The web application: routers, one form for errors, the shield around everything. Never imports torch."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from backend.api import (
    accounts,
    annotations,
    assignments,
    audits,
    events,
    exports,
    generations,
    health,
    images,
    jobs,
    metrics,
    model_versions,
    pages,
    policy,
    problems,
    projects,
    promotions,
    proposals,
    ratings,
    rounds,
    schemas,
    shield,
    stages,
)
from backend.api.cookies import NAME as COOKIE
from backend.runtime import Runtime
from backend.services.health import program_version

DESCRIPTION = """Annotate images with a promptable model and export the masks.

Sizes are (height, width), points (x, y) and boxes xywh in image pixels; masks are COCO run-length encodings of the
image's size. Every error is `{"error": code, "detail": sentence}`: the code is stable, the sentence is for people.
"""
TAGS = [
    {"name": "projects", "description": "A set of images with its categories and annotations."},
    {"name": "images", "description": "Upload, list and look at images; what is served is upright."},
    {"name": "annotations", "description": "One mask each. Geometry never changes: an edit supersedes."},
    {"name": "generations", "description": "Automatic masks on many images, and the detectors that help with it."},
    {"name": "proposals", "description": "Masks that a model suggests, until somebody decides about them."},
    {"name": "audits", "description": "People correct samples of automatic masks; the overlaps are the report."},
    {"name": "rounds", "description": "Freeze, train, compare: one turn of the engine."},
    {"name": "promotions", "description": "Which model version serves a project, by whose decision, and the way back."},
    {"name": "ratings", "description": "Blind scores of masks from several sources."},
    {"name": "assignments", "description": "Who works on which image now."},
    {"name": "stages", "description": "How a project works, and the policy of its engine."},
    {"name": "models", "description": "Model versions, their decoder for the browser, and embeddings."},
    {"name": "exports", "description": "Immutable archives of a project's annotations."},
    {"name": "jobs", "description": "What the workers do, and what they gave up on."},
    {"name": "events", "description": "Server-sent events."},
    {"name": "sign-in", "description": "The one-time link and the session."},
    {"name": "health", "description": "Whether the parts are there."},
]
PARTS = (
    *(health, accounts, projects, images, annotations, assignments, stages, generations, proposals, audits, ratings),
    *(metrics, rounds, promotions, model_versions, exports, jobs, events, pages),
)


def create_app(runtime: Runtime) -> FastAPI:
    """The application for one runtime. Raises UnclassifiedRoute when a route declares no policy."""
    app = describe_app()
    app.state.runtime = runtime
    app.state.feed = events.Feed(runtime)
    app.add_middleware(shield.Shield, hosts=shield.known_hosts(runtime.settings))
    return app


def describe_app() -> FastAPI:
    """The application without a runtime: enough for its OpenAPI document, which needs no database."""
    app = FastAPI(
        title="Maskmill",
        version=program_version(),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses={422: {"model": schemas.Problem, "description": "The request is not valid."}},
    )
    app.router.route_class = policy.PolicyRoute
    for part in PARTS:
        app.include_router(part.router)
    policy.require_policies(app.routes)
    problems.install(app)
    return app


def openapi() -> dict[str, Any]:
    """The OpenAPI document, with the cookie as its security scheme."""
    document = describe_app().openapi()
    scheme = {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by the one-time sign-in link."}
    document["components"]["securitySchemes"] = {"session": scheme}
    return document


def _operation_id(route: APIRoute) -> str:
    return route.name
