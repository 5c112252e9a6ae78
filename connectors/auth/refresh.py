"""Renews access tokens: one request at a time for all callers, and no new token is used before it is stored.

A refresh token can be used once. So of two concurrent refreshes one may lose the access to the account.
There is one `SingleFlight` for each budget, in the worker that owns it.

Its rules:

1. Any number of callers that were refused with the same access token cause one request.
2. A new pair goes to `persist` first. No caller gets it before that has succeeded.
   If it fails, the pair is kept for the next attempt: the old refresh token may be used up by then.
   If the process dies in between, its successor asks with the old one; GHL gives the same pair again for 30 s.
3. The server's refusal of the grant is final: it is remembered, and every caller gets the error that asks to connect again.
   A failure that may pass (no connection, 5xx, 429, an unreadable answer) is `TokenUnavailable`; for `hold_ms` no other
   request is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from connectors.auth.token_pair import TokenPair
from connectors.errors import GrantRefused, NetworkError, TokenUnavailable, VendorError

EARLY_MS = 300_000
"""How long before its end an access token is renewed; of a short-lived one the last tenth."""

HOLD_MS = 1_000


def _now_ms() -> int:
    return int(time.time() * 1000)


class SingleFlight:
    """The tokens of one budget. `about` names it in errors.

    `renew` asks the vendor for the next pair, `persist` returns when it is kept; `now_ms` is since the epoch.
    """

    def __init__(
        self,
        pair: TokenPair,
        renew: Callable[[TokenPair], Awaitable[TokenPair]],
        persist: Callable[[TokenPair], Awaitable[None]],
        *,
        about: str,
        now_ms: Callable[[], int] = _now_ms,
        early_ms: int = EARLY_MS,
        hold_ms: int = HOLD_MS,
    ) -> None:
        self._pair = pair
        self._renew = renew
        self._persist = persist
        self._about = about
        self._now_ms = now_ms
        self._early_ms = early_ms
        self._hold_ms = hold_ms
        self._flight: asyncio.Task[TokenPair] | None = None
        self._unkept: TokenPair | None = None
        self._refusal: GrantRefused | None = None
        self._failure: tuple[int, TokenUnavailable] | None = None

    def __repr__(self) -> str:
        return f"SingleFlight({self._about})"

    @property
    def refusal(self) -> GrantRefused | None:
        """The server's final word, if it has spoken."""
        return self._refusal

    @property
    def expires_ms(self) -> int:
        """When the access token in use ends, in milliseconds since the epoch."""
        return self._pair.expires_at_ms

    def adopt(self, pair: TokenPair) -> None:
        """A person has given access again: use this pair, which is kept already. An earlier refusal is forgotten."""
        if pair == self._pair:
            return
        self._pair = pair
        self._unkept = self._refusal = self._failure = None

    async def current(self) -> TokenPair:
        """The pair to send a request with; renewed ahead of its end.

        Raises `GrantRefused`, and `TokenUnavailable` when it has ended and cannot be renewed for now.
        """
        pair = self._pair
        if self._refusal is None and self._now_ms() < pair.expires_at_ms - self._lead_ms(pair):
            return pair
        try:
            return await self.refresh(pair.access)
        except TokenUnavailable:
            if self._now_ms() >= pair.expires_at_ms:
                raise
            return pair

    async def refresh(self, used_access: str) -> TokenPair:
        """A pair whose access token is another than `used_access`, which the vendor refused. Raises as `current` does."""
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        if self._pair.access != used_access:
            return self._pair
        if self._flight is None:
            self._raise_if_held()
            self._flight = asyncio.create_task(self._fly(self._pair))
            self._flight.add_done_callback(self._landed)
        # A caller that is cancelled must not cancel the refresh of the others.
        return await asyncio.shield(self._flight)

    async def aclose(self) -> None:
        """Let a refresh under way end, and be kept."""
        if self._flight is not None:
            await asyncio.wait([self._flight])

    async def _fly(self, started_with: TokenPair) -> TokenPair:
        if self._pair is not started_with:
            return self._pair
        try:
            pair = self._unkept or await self._renew(started_with)
        except GrantRefused as error:
            if self._pair is not started_with:
                return self._pair
            self._refusal = error if error.is_final else None
            raise
        except (NetworkError, VendorError) as error:
            raise self._failed(str(error)) from error
        if self._pair is not started_with:
            return self._pair
        self._unkept = pair
        try:
            await self._persist(pair)
        except Exception as error:
            raise self._failed(f"the renewed tokens could not be stored ({type(error).__name__})") from error
        if self._pair is started_with:
            self._pair, self._unkept, self._failure = pair, None, None
        else:
            await self._persist(self._pair)  # adopted meanwhile: the pair in use must be the one that was stored last
        return self._pair

    def _landed(self, flight: asyncio.Task[TokenPair]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # retrieved, also when no caller waits for it any longer

    def _failed(self, cause: str) -> TokenUnavailable:
        error = TokenUnavailable(self._about, cause)
        self._failure = self._now_ms(), error
        return error

    def _raise_if_held(self) -> None:
        if self._failure is None:
            return
        since_ms = self._now_ms() - self._failure[0]
        if 0 <= since_ms < self._hold_ms:
            raise self._failure[1].with_traceback(None)

    def _lead_ms(self, pair: TokenPair) -> int:
        return min(self._early_ms, (pair.expires_at_ms - pair.obtained_at_ms) // 10)
