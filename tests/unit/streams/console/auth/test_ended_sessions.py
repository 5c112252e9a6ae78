"""Which sessions count as ended."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

import pytest

from streams.console.auth.ended_sessions import SESSION, SIGN_OUT, EndedSessions, ended_id
from streams.console.auth.sessions import Session
from streams.messages.audit_entry import Act
from tests.unit.streams.console.stage import settings_of


def a_session(began_ms: int) -> Session:
    return Session(id=f"s{began_ms}", name="ann", role="viewer", via="password", began_ms=began_ms, ends_ms=10**13)


def signed_out(session: Session) -> bytes:
    about = {SESSION: ended_id(session)}
    return Act(id="1", at_ms=1, who="ann", action=SIGN_OUT, about=about, outcome="done").to_bytes()


async def test_an_older_session_counts_as_ended_until_the_audit_was_read() -> None:
    """A copied cookie gains nothing by a restart; who signs in meanwhile is not sent away."""
    ended = EndedSessions(settings_of(), now_ms=lambda: 1000)
    older, newer, gone = a_session(900), a_session(1000), a_session(800)

    async def follow(_: Any) -> None:
        ended._take([signed_out(gone)])
        await asyncio.Event().wait()

    with (
        patch("streams.console.auth.ended_sessions.START_SECONDS", 0.0),
        patch.object(EndedSessions, "_follow", follow),
    ):
        await ended.start()
        try:
            assert (ended.holds(older), ended.holds(newer)) == (True, False)
            ended.has_read.set()
            assert (ended.holds(older), ended.holds(newer), ended.holds(gone)) == (False, False, True)
        finally:
            await ended.stop()


@pytest.mark.parametrize("raw", [None, b"", b"{}", b"\xff", b'{"v": 99}'])
async def test_garbage_in_the_audit_ends_nothing(raw: bytes | None) -> None:
    """It is passed over."""
    ended = EndedSessions(settings_of(), now_ms=lambda: 1000)
    ended._take([raw])
    assert not ended.holds(a_session(900))
