"""Who is there: actors, one-time sign-in links and sessions. Only digests of tokens are stored."""

from __future__ import annotations

import getpass
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.db.models import Actor, ActorKind, LoginToken, SignInSession
from backend.db.types import moment
from backend.errors import NotAllowed
from backend.uow import UnitOfWork

LOGIN_SECONDS = 12 * 3600
SESSION_SECONDS = 30 * 24 * 3600
FORGET_SECONDS = 24 * 3600


@dataclass(frozen=True)
class SignedIn:
    """The caller of a request."""

    id: str
    name: str
    kind: ActorKind


def owner(uow: UnitOfWork) -> Actor:
    """The person of this installation, made at the first call; its name is the operating system's user name."""
    query = select(Actor).where(Actor.kind == "person", Actor.state == "active").order_by(Actor.created_at, Actor.id)
    actor = uow.session.scalars(query.limit(1)).first()
    if actor is None:
        actor = Actor(kind="person", name=_user_name())
        uow.session.add(actor)
        uow.session.flush()
    return actor


def issue_login(uow: UnitOfWork, actor_id: str | None = None) -> str:
    """A token for /login?token=..., good once and for LOGIN_SECONDS; for the owner unless an actor is named.

    Links and sessions that ended more than a day ago are forgotten on the way.
    """
    for ended in (LoginToken, SignInSession):
        uow.session.execute(delete(ended).where(ended.expires_at < moment(-FORGET_SECONDS)))
    token = secrets.token_urlsafe(32)
    actor_id = actor_id or owner(uow).id
    expires_at = uow.session.execute(select(moment(LOGIN_SECONDS))).scalar_one()
    uow.session.add(LoginToken(token_digest=digest_of(token), actor_id=actor_id, expires_at=expires_at))
    uow.session.flush()
    return token


def sign_in(uow: UnitOfWork, token: str) -> str:
    """Use up a login token; the new session's token for the cookie. Raises NotAllowed for any token that is not good.

    One conditional UPDATE decides, so of two requests with the same token one gets in.
    """
    usable = (LoginToken.token_digest == digest_of(token), LoginToken.used_at.is_(None))
    use = update(LoginToken).where(*usable, LoginToken.expires_at > moment()).values(used_at=moment())
    actor_id = uow.session.scalar(use.returning(LoginToken.actor_id), execution_options={"synchronize_session": False})
    if actor_id is None:
        raise NotAllowed("This sign-in link does not work any more.", code="bad_login_link")
    session_token = secrets.token_urlsafe(32)
    expires_at = uow.session.execute(select(moment(SESSION_SECONDS))).scalar_one()
    uow.session.add(SignInSession(token_digest=digest_of(session_token), actor_id=actor_id, expires_at=expires_at))
    return session_token


def actor_of_session(session: Session, token: str) -> SignedIn:
    """The active actor of a live session; NotAllowed (401, `signed_out`) for any other token."""
    query = (
        select(Actor)
        .join(SignInSession, SignInSession.actor_id == Actor.id)
        .where(SignInSession.token_digest == digest_of(token), SignInSession.expires_at > moment())
        .where(Actor.state == "active")
    )
    actor = session.scalars(query).first()
    if actor is None:
        raise signed_out()
    return SignedIn(actor.id, actor.name, actor.kind)


def signed_out() -> NotAllowed:
    """The 401 of every address that needs a session."""
    detail = "You are not signed in: open the link that Maskmill printed when it started."
    return NotAllowed(detail, code="signed_out", status=401)


def digest_of(token: str) -> str:
    """SHA-256 of a random token; a plain hash suffices because the token has 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "me"
