"""Renewing tokens: one request whoever asks, kept before it is used, a final word remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from connectors.auth.refresh import SingleFlight
from connectors.auth.token_pair import TokenPair
from connectors.errors import (
    ConnectorError,
    GrantRefused,
    MalformedAnswer,
    NotSent,
    TokenUnavailable,
    Unanswered,
    VendorError,
)

LIFE_MS = 86_400_000
FACTS: dict[str, Any] = {"vendor": "ghl", "operation": "get-access-token", "messages": ("no",)}


def pair(number: int, now_ms: int = 0, life_ms: int = LIFE_MS) -> TokenPair:
    """The pair of this number."""
    return TokenPair(
        access=f"acc-s3cret-{number}",
        refresh=f"ref-s3cret-{number}",
        obtained_at_ms=now_ms,
        expires_at_ms=now_ms + life_ms,
    )


class Stage:
    """A server that counts, a store, and a clock. `gate` holds the server's answers back while it is closed."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.number = 1
        self.asked: list[str | None] = []
        self.kept: list[TokenPair] = []
        self.answers: list[ConnectorError] = []
        self.stores: list[Exception] = []
        self.events: list[str] = []
        self.on_keep: Callable[[], None] = lambda: None
        self.was_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.flight = SingleFlight(pair(1), self.renew, self.keep, about="ghl:loc1", now_ms=lambda: self.now_ms)

    async def renew(self, old: TokenPair) -> TokenPair:
        """The next pair, or the error that is due."""
        self.asked.append(old.refresh)
        self.was_asked.set()
        await self.gate.wait()
        if self.answers:
            raise self.answers.pop(0)
        self.number += 1
        return pair(self.number, self.now_ms)

    async def keep(self, new: TokenPair) -> None:
        """Keep it, or the error that is due."""
        self.events.append(f"keeping {new.access}")
        await asyncio.sleep(0)
        if self.stores:
            raise self.stores.pop(0)
        self.on_keep()
        self.kept.append(new)
        self.events.append(f"kept {new.access}")


@pytest.fixture
async def stage() -> Stage:
    """One budget with tokens."""
    return Stage()


async def test_tokens_that_live_long_are_given_as_they_are(stage: Stage) -> None:
    """Nothing is asked."""
    stage.now_ms = LIFE_MS - 300_001
    assert await stage.flight.current() == pair(1)
    assert stage.asked == []


async def test_tokens_are_renewed_ahead_of_their_end(stage: Stage) -> None:
    """Five minutes."""
    stage.now_ms = LIFE_MS - 300_000
    new = await stage.flight.current()
    assert new == pair(2, stage.now_ms)
    assert await stage.flight.current() == new
    assert stage.asked == ["ref-s3cret-1"]


async def test_of_a_short_life_the_last_tenth_is_ahead(stage: Stage) -> None:
    """Or every request would refresh."""
    stage.flight.adopt(pair(1, 0, life_ms=60_000))
    stage.now_ms = 53_999
    assert (await stage.flight.current()).access == "acc-s3cret-1"
    stage.now_ms = 54_000
    assert (await stage.flight.current()).access == "acc-s3cret-2"


async def test_a_hundred_refusals_cause_one_refresh(stage: Stage) -> None:
    """Those that come while it is under way, and those that come afterwards."""
    stage.gate.clear()
    waiting = [asyncio.create_task(stage.flight.refresh("acc-s3cret-1")) for _ in range(100)]
    await asyncio.sleep(0)
    stage.gate.set()
    got = await asyncio.gather(*waiting)
    late = await stage.flight.refresh("acc-s3cret-1")
    assert {one.access for one in (*got, late)} == {"acc-s3cret-2"}
    assert stage.asked == ["ref-s3cret-1"]
    assert len(stage.kept) == 1


async def test_a_pair_is_kept_before_anyone_has_it(stage: Stage) -> None:
    """Not even one that asks for the current tokens meanwhile."""
    seen: list[str] = []
    stage.on_keep = lambda: seen.append("still old" if stage.flight._pair == pair(1) else "used too early")
    waiting = [asyncio.create_task(stage.flight.refresh("acc-s3cret-1")) for _ in range(3)]
    for task in waiting:
        task.add_done_callback(lambda _: stage.events.append("given"))
    await asyncio.gather(*waiting)
    await asyncio.sleep(0)
    assert stage.events == ["keeping acc-s3cret-2", "kept acc-s3cret-2", "given", "given", "given"]
    assert seen == ["still old"]


async def test_a_pair_that_could_not_be_kept_is_used_by_nobody(stage: Stage) -> None:
    """It is kept at the next attempt, without another request: by then the old refresh token may be used up."""
    stage.stores = [RuntimeError("kafka is s3cret-ly away")]
    with pytest.raises(TokenUnavailable, match=r"ghl:loc1 .* could not be stored \(RuntimeError\)") as caught:
        await stage.flight.refresh("acc-s3cret-1")
    meanwhile = await stage.flight.current()
    stage.now_ms += 60_000
    later = await stage.flight.refresh("acc-s3cret-1")
    assert meanwhile == pair(1)
    assert later == pair(2)
    assert (stage.asked, stage.kept) == (["ref-s3cret-1"], [pair(2)])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        NotSent("POST", "https://x.test/oauth/token", "ClientConnectorError"),
        Unanswered("POST", "https://x.test/oauth/token", "TimeoutError"),
        VendorError(status=503, **FACTS),
        VendorError(status=429, **FACTS),
        MalformedAnswer(status=200, **FACTS),
    ],
)
async def test_what_may_pass_is_tried_again_later(stage: Stage, error: ConnectorError) -> None:
    """With the same refresh token. For a second the server is left alone."""
    stage.answers = [error]
    with pytest.raises(TokenUnavailable, match="for now"):
        await stage.flight.refresh("acc-s3cret-1")
    with pytest.raises(TokenUnavailable, match="for now"):
        await stage.flight.refresh("acc-s3cret-1")
    held = list(stage.asked)
    stage.now_ms += 1_000
    assert (await stage.flight.refresh("acc-s3cret-1")).access == "acc-s3cret-2"
    assert (held, stage.asked) == (["ref-s3cret-1"], ["ref-s3cret-1"] * 2)


async def test_a_server_that_is_away_costs_nothing_while_the_token_lives(stage: Stage) -> None:
    """Renewing ahead of the end leaves time for that; afterwards there is none."""
    gone = NotSent("POST", "https://x.test/oauth/token", "ClientConnectorError")
    stage.answers = [gone, gone]
    stage.now_ms = LIFE_MS - 10_000
    alive = await stage.flight.current()
    stage.now_ms = LIFE_MS
    with pytest.raises(TokenUnavailable):
        await stage.flight.current()
    assert alive == pair(1)


async def test_a_final_refusal_is_remembered(stage: Stage) -> None:
    """Asked once; everyone gets the advice, also when the access token is still valid."""
    stage.answers = [GrantRefused(is_final=True, status=400, **FACTS)]
    results = await asyncio.gather(*(stage.flight.refresh("acc-s3cret-1") for _ in range(5)), return_exceptions=True)
    with pytest.raises(GrantRefused, match="lofty-ghl connect"):
        await stage.flight.current()
    stage.now_ms += 10 * LIFE_MS
    with pytest.raises(GrantRefused):
        await stage.flight.refresh("acc-s3cret-1")
    assert {type(one) for one in results} == {GrantRefused}
    assert len(stage.asked) == 1
    assert stage.flight.refusal is not None


async def test_a_refusal_that_is_none_of_the_servers_own_is_not_remembered(stage: Stage) -> None:
    """A firewall's 403 stops this attempt only."""
    stage.answers = [GrantRefused(is_final=False, status=403, **FACTS)]
    with pytest.raises(GrantRefused):
        await stage.flight.refresh("acc-s3cret-1")
    assert (await stage.flight.refresh("acc-s3cret-1")).access == "acc-s3cret-2"


async def test_connecting_again_forgets_the_refusal(stage: Stage) -> None:
    """The pair that a person brought is used at once."""
    stage.answers = [GrantRefused(is_final=True, status=400, **FACTS)]
    with pytest.raises(GrantRefused):
        await stage.flight.refresh("acc-s3cret-1")
    stage.flight.adopt(pair(7))
    assert await stage.flight.current() == pair(7)
    assert stage.flight.refusal is None


async def test_our_own_pair_read_back_changes_nothing(stage: Stage) -> None:
    """The topic brings what we wrote: a remembered refusal stays."""
    stage.answers = [GrantRefused(is_final=True, status=400, **FACTS)]
    with pytest.raises(GrantRefused):
        await stage.flight.refresh("acc-s3cret-1")
    stage.flight.adopt(pair(1))
    assert stage.flight.refusal is not None


@pytest.mark.parametrize("answer", [None, GrantRefused(is_final=True, status=400, **FACTS)])
async def test_who_connects_during_a_refresh_wins(stage: Stage, answer: GrantRefused | None) -> None:
    """What the older grant brings is neither used nor kept, not even its refusal."""
    stage.gate.clear()
    stage.answers = [answer] if answer else []
    waiting = asyncio.create_task(stage.flight.refresh("acc-s3cret-1"))
    await stage.was_asked.wait()
    stage.flight.adopt(pair(7))
    stage.gate.set()
    assert await waiting == pair(7)
    assert await stage.flight.current() == pair(7)
    assert stage.kept == []


async def test_who_connects_before_a_refresh_has_begun_wins_too(stage: Stage) -> None:
    """Nothing is asked."""
    waiting = asyncio.create_task(stage.flight.refresh("acc-s3cret-1"))
    await asyncio.sleep(0)
    stage.flight.adopt(pair(7))
    assert await waiting == pair(7)
    assert stage.asked == []


async def test_who_connects_while_a_pair_is_kept_wins_too(stage: Stage) -> None:
    """The last that is kept is the one that is used."""
    stage.on_keep = lambda: stage.flight.adopt(pair(7))
    assert await stage.flight.refresh("acc-s3cret-1") == pair(7)
    assert stage.kept[-1] == pair(7)


async def test_who_gives_up_waiting_does_not_stop_the_refresh(stage: Stage) -> None:
    """The refresh token is spent: the pair must be kept."""
    stage.gate.clear()
    impatient = asyncio.create_task(stage.flight.refresh("acc-s3cret-1"))
    patient = asyncio.create_task(stage.flight.refresh("acc-s3cret-1"))
    await stage.was_asked.wait()
    impatient.cancel()
    stage.gate.set()
    assert (await patient).access == "acc-s3cret-2"
    assert impatient.cancelled()
    assert len(stage.asked) == 1


async def test_closing_lets_a_refresh_end(stage: Stage) -> None:
    """Also when nobody is left waiting for it, and when it fails."""
    stage.gate.clear()
    alone = asyncio.create_task(stage.flight.refresh("acc-s3cret-1"))
    await stage.was_asked.wait()
    alone.cancel()
    stage.gate.set()
    await stage.flight.aclose()
    await stage.flight.aclose()
    assert [one.access for one in stage.kept] == ["acc-s3cret-2"]


async def test_no_token_is_in_a_repr(stage: Stage) -> None:
    """Nor in what anyone reads."""
    assert repr(stage.flight) == "SingleFlight(ghl:loc1)"
