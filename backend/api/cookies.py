"""The session cookie: its name and its attributes, in one place."""

from fastapi import Response

NAME = "maskmill_session"


def set_session(response: Response, token: str, seconds: int, secure: bool) -> None:
    """HttpOnly: no script can read it. SameSite=Strict: no other site can make the browser send it."""
    response.set_cookie(NAME, token, max_age=seconds, path="/", httponly=True, samesite="strict", secure=secure)
