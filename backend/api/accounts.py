"""Signing in by the one-time link, and who is signed in."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from backend.api import cookies, pages, schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow, is_signed_in
from backend.errors import NotAllowed
from backend.services import accounts

router = APIRouter(tags=["sign-in"], route_class=PolicyRoute)


@router.get(
    "/login",
    summary="Sign in with a one-time link",
    description="Opens a session and goes on to the start page. The link is printed when the server starts.",
    status_code=303,
    responses={303: {"description": "Signed in."}, 403: {"description": "A page that says why not."}},
    response_class=Response,
)
@allow(Policy.PUBLIC)
def login(request: Request, runtime: AtRuntime, token: str = "") -> Response:
    home = RedirectResponse("/", status_code=303)
    try:
        with runtime.write() as uow:
            session_token = accounts.sign_in(uow, token)
    except NotAllowed:
        # Somebody opens the link of the terminal a second time in the browser that it signed in: let them through.
        return home if is_signed_in(request) else pages.link_refused(request)
    secure = request.scope["scheme"] == "https"
    cookies.set_session(home, session_token, accounts.SESSION_SECONDS, secure)
    return home


@router.get("/api/me", summary="Who is signed in", response_model=schemas.Me)
@allow(Policy.SIGNED_IN)
def me(caller: Caller) -> object:
    return caller
