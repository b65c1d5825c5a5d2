"""Signing in by the one-time link."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backend.db.models import Actor, LoginToken, SignInSession
from backend.db.types import moment
from backend.services import accounts
from tests.web import Browser


def test_the_link_signs_in_and_leads_to_the_start_page(stranger: Browser) -> None:
    with stranger.runtime.write() as uow:
        token = accounts.issue_login(uow)
    answer = stranger.get("/login", params={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    me = stranger.get("/api/me").json()
    assert me["kind"] == "person" and me["name"]


def test_a_link_works_once(stranger: Browser, static: Path) -> None:
    with stranger.runtime.write() as uow:
        token = accounts.issue_login(uow)
    assert stranger.get("/login", params={"token": token}).status_code == 303
    other = Browser(stranger.runtime)
    refused = other.get("/login", params={"token": token})
    assert refused.status_code == 403
    assert "<title>page</title>" in refused.text and refused.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in refused.headers
    assert other.get("/api/me").status_code == 401


def test_the_used_link_still_opens_the_page_for_who_used_it(browser: Browser) -> None:
    answer = browser.get("/login", params={"token": "used before"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "x", "é" * 10, "a" * 5000, "'; DROP TABLE actor; --", "\0"])
def test_made_up_tokens_do_not_sign_in(stranger: Browser, static: Path, token: str) -> None:
    assert stranger.get("/login", params={"token": token}).status_code == 403


def test_an_expired_link_does_not_sign_in(stranger: Browser, static: Path) -> None:
    with stranger.runtime.write() as uow:
        token = accounts.issue_login(uow)
        uow.session.execute(update(LoginToken).values(expires_at=moment(-1)))
    assert stranger.get("/login", params={"token": token}).status_code == 403


def test_only_digests_of_tokens_are_stored(browser: Browser) -> None:
    token = browser.cookies["maskmill_session"]
    with browser.runtime.read() as session:
        stored = session.scalars(select(SignInSession.token_digest)).all()
        used = session.scalars(select(LoginToken)).one()
    assert token not in stored and stored == [accounts.digest_of(token)]
    assert used.used_at is not None and used.expires_at > used.created_at


def test_expired_and_revoked_sessions_are_signed_out(browser: Browser) -> None:
    with browser.runtime.write() as uow:
        uow.session.execute(update(SignInSession).values(expires_at=moment(-1)))
    answer = browser.get("/api/me")
    assert answer.status_code == 401
    assert answer.json()["error"] == "signed_out"


def test_a_suspended_actor_is_signed_out(browser: Browser) -> None:
    with browser.runtime.write() as uow:
        uow.session.execute(update(Actor).values(state="suspended"))
    assert browser.get("/api/me").status_code == 401


def test_links_and_sessions_that_ended_long_ago_are_forgotten(browser: Browser) -> None:
    with browser.runtime.write() as uow:
        accounts.issue_login(uow)
        uow.session.execute(update(LoginToken).values(expires_at=moment(-3600)))
        uow.session.execute(update(SignInSession).values(expires_at=moment(-25 * 3600)))
    with browser.runtime.write() as uow:
        accounts.issue_login(uow)
    with browser.runtime.read() as session:
        assert session.scalars(select(SignInSession)).all() == []
        assert len(session.scalars(select(LoginToken)).all()) == 3


def test_there_is_one_owner_however_many_links(stranger: Browser) -> None:
    for _ in range(3):
        with stranger.runtime.write() as uow:
            accounts.issue_login(uow)
    with stranger.runtime.read() as session:
        assert len(session.scalars(select(Actor)).all()) == 1
        expiries = session.scalars(select(LoginToken.expires_at)).all()
    assert len(expiries) == 3
    assert all(expiry > dt.datetime.now(dt.UTC) for expiry in expiries)
