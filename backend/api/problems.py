"""One form for every error: {"error": code, "detail": sentence}."""

import errno
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from backend.api import pages
from backend.errors import DiskFull, MaskmillError

CODES = {400: "invalid", 401: "signed_out", 403: "not_allowed", 404: "not_found", 405: "method_not_allowed"}
CODES |= {413: "too_large", 415: "unsupported_media_type", 421: "wrong_host", 500: "internal", 503: "unavailable"}
DETAILS = {404: "There is nothing at this address.", 405: "This address does not take that method."}
RETRY_SECONDS = "5"  # what is missing is usually being restarted
DETAILS |= {413: "The request is larger than what this address takes.", 400: "The request could not be read."}


def problem(status: int, detail: str, code: str | None = None, headers: dict[str, str] | None = None) -> JSONResponse:
    """The error envelope as a response, never cached."""
    body = {"error": code or CODES.get(status, "error"), "detail": detail}
    told = {"Cache-Control": "no-store"} | (headers or {})
    if status == 503:
        told["Retry-After"] = RETRY_SECONDS
    return JSONResponse(body, status, told)


def install(app: FastAPI) -> None:
    """Let every error of ours, of the framework and of validation leave in the envelope."""
    app.add_exception_handler(MaskmillError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(OSError, _full_disk)
    app.add_exception_handler(HTTPException, _frameworks)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, MaskmillError)
    if error.status == 404 and _a_person_looks(request):
        return pages.nothing_here(request)
    return problem(error.status, error.detail, error.code)


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(422, describe(error.errors()), "invalid")


async def _full_disk(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error  # unforeseen: the shield answers
    full = DiskFull()
    return problem(full.status, full.detail, full.code)


async def _frameworks(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and _a_person_looks(request):
        return pages.nothing_here(request)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return problem(error.status_code, DETAILS.get(error.status_code, str(error.detail)), headers=headers)


def _a_person_looks(request: Request) -> bool:
    """A browser opens an address: it gets the page, which says that nothing is here, instead of JSON."""
    accept = request.headers.get("accept", "")
    own = request.scope["path"].startswith(("/api/", f"/{pages.ASSETS}/"))
    return request.method in ("GET", "HEAD") and "text/html" in accept and not own


def describe(errors: Sequence[Any]) -> str:
    """Up to three mistakes in words, each with its place; never the offending value, which may be huge."""
    told = [_described(error) for error in errors[:3]]
    if len(errors) > 3:
        told.append(f"and {len(errors) - 3} more")
    return "; ".join(told)


def _described(error: Any) -> str:
    if error["type"] == "json_invalid":
        return f"The body is not valid JSON: {error['ctx']['error']}"
    return f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
