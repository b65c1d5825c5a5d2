"""Every error that Maskmill raises on purpose.

MaskmillError
 |- NotFound      404   the thing named does not exist, or not for this actor
 |- Conflict      409   somebody or something was there first; reload and try again
 |- NotAllowed    403   known, but not permitted (code `signed_out` answers 401)
 |- Invalid       400   the request cannot be right whatever the state of the server is
 `- Unavailable   503   a part is missing or busy; the same request may succeed later
     `- DiskFull  507   there is no room for what should be stored

The HTTP envelope is {"error": code, "detail": text}: `code` is stable and for programs, `detail` is for people.
"""

from __future__ import annotations

from typing import ClassVar


class MaskmillError(Exception):
    """Base of the tree: an HTTP status, a stable code and a sentence for people."""

    status: int = 500
    default_code: ClassVar[str] = "internal"

    def __init__(self, detail: str, code: str | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.status = status or self.status


class NotFound(MaskmillError):
    status = 404
    default_code = "not_found"


class Conflict(MaskmillError):
    status = 409
    default_code = "conflict"


class NotAllowed(MaskmillError):
    status = 403
    default_code = "not_allowed"


class Invalid(MaskmillError):
    status = 400
    default_code = "invalid"


class Unavailable(MaskmillError):
    status = 503
    default_code = "unavailable"


class DiskFull(Unavailable):
    status = 507
    default_code = "disk_full"

    def __init__(self) -> None:
        super().__init__("The server's disk is full: nothing of this was stored.")
