"""The outermost layer: security headers on every response, only known Hosts, no foreign page may change anything.

Headers after reliability.md B3, with the policy that was verified together with the threaded decoder; the page is
cross-origin isolated, so that the decoder may use threads. This layer also turns an unforeseen exception into the
error envelope, so that even a 500 carries the headers.
"""

import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import problem
from backend.settings import Settings

log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob: data:",
        "style-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=()",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Shield:
    """ASGI layer around the whole application.

    `hosts` are the names by which this installation may be called, without ports; loopback always belongs to them.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self.hosts = frozenset(LOOPBACK) | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_shielded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message))
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await problem(*refusal)(scope, receive, send_shielded)
            return
        try:
            await self.app(scope, receive, send_shielded)
        except ClientDisconnect:  # in the middle of its request: nobody is left to answer
            return
        except Exception:
            if started:
                raise
            log.exception("unforeseen error in %s %s", scope["method"], scope["path"])
            answer = problem(500, "Something unforeseen went wrong; the server's log tells more.")
            await answer(scope, receive, send_shielded)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self.hosts:
            return 421, "This server does not answer to that host name.", "wrong_host"
        if scope["method"] not in SAFE_METHODS and not _from_own_page(headers, hosts[0]):
            return 403, "Changes are only taken from the page that this server itself serves.", "foreign_origin"
        return None


def known_hosts(settings: Settings) -> list[str]:
    """The configured names, and the address that is listened on unless that means every one of the machine's."""
    own = [] if settings.host in EVERY_ADDRESS else [settings.host]
    return [*own, *settings.allowed_hosts]


def host_name(host: str) -> str:
    """The name in a Host header without its port, lower case; "" when the port is not a number."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host.lower()
    return name.lower() if port.isascii() and port.isdigit() else ""


def _from_own_page(headers: Headers, host: str) -> bool:
    """True when the browser says that the request comes from our own origin, or when no browser sent it."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origins = headers.getlist("origin")
    if not origins:
        return True
    if len(origins) != 1:
        return False
    origin = urlsplit(origins[0])
    return origin.scheme in ("http", "https") and origin.netloc == host and not (origin.path or origin.query)


def _add_headers(headers: MutableHeaders) -> None:
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
