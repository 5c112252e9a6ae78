"""What an OAuth server keeps: codes and tokens that are good for once, for a while, until revoked. Both sandboxes have one.

Times are in seconds and come as arguments. Who may ask, and in which words, is each vendor's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe

CODE_SECONDS = 600.0
"""How long a code waits to be exchanged: an analogy, no vendor says."""


@dataclass(eq=False, slots=True)
class Grant:
    """What a person allowed a client: for `subject` (a location, a company, a team), `scopes` of it.

    `kind` is another property by which a vendor distinguishes grants: GHL's user type, the token server of Lofty's two.
    """

    client_id: str
    subject: str
    scopes: tuple[str, ...] = ()
    kind: str = ""
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, and what its exchange has to repeat. `challenge` is PKCE's, S256."""

    grant: Grant
    redirect_uri: str
    challenge: str | None
    ends_at: float


@dataclass(frozen=True, slots=True)
class Issued:
    """A pair of tokens."""

    grant: Grant
    access: str
    refresh: str
    ends_at: float


@dataclass(slots=True)
class _Refresh:
    grant: Grant
    ends_at: float
    used_at: float | None = None
    successor: Issued | None = None


@dataclass(slots=True)
class Issuer:
    """Codes and tokens. A refresh token that `rotates` is good for once, and for `grace_seconds` gives the same pair."""

    access_seconds: float
    refresh_seconds: float
    grace_seconds: float = 0.0
    rotates: bool = True
    _codes: dict[str, Code] = field(default_factory=dict)
    _access: dict[str, Issued] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def adopt(self, earlier: Issuer) -> None:
        """Know the codes and tokens of an earlier one. How long new ones live stays as it is here."""
        self._codes, self._access, self._refresh = earlier._codes, earlier._access, earlier._refresh

    def code(self, grant: Grant, redirect_uri: str, now: float, challenge: str | None = None) -> str:
        """A new code."""
        made = token_urlsafe(24)
        self._codes[made] = Code(grant, redirect_uri, challenge, now + CODE_SECONDS)
        return made

    def find_code(self, code: str, now: float) -> Code | None:
        """A code that is still good. It stays so."""
        found = self._codes.get(code)
        return found if found is not None and now < found.ends_at and not found.grant.is_revoked else None

    def spend_code(self, code: str) -> None:
        """It was exchanged."""
        del self._codes[code]

    def issue(self, grant: Grant, now: float) -> Issued:
        """A new pair."""
        return self._issue(grant, now, _token())

    def find_refresh(self, token: str, now: float) -> Grant | None:
        """Whose refresh token it is, if it would be taken now."""
        found = self._refresh.get(token)
        if found is None or found.grant.is_revoked or now >= found.ends_at:
            return None
        if found.used_at is not None and now >= found.used_at + self.grace_seconds:
            return None
        return found.grant

    def refresh(self, token: str, now: float) -> Issued | None:
        """The next pair; the same one again within the grace; None when the token is not valid."""
        if self.find_refresh(token, now) is None:
            return None
        found = self._refresh[token]
        if found.successor is not None:
            return found.successor
        if not self.rotates:
            return self._issue(found.grant, now, token)
        found.used_at = now
        found.successor = self._issue(found.grant, now, _token())
        return found.successor

    def find_access(self, token: str, now: float) -> Grant | None:
        """Whose access token it is, if it is good."""
        found = self._access.get(token)
        return found.grant if found is not None and now < found.ends_at and not found.grant.is_revoked else None

    def knows(self, token: str) -> bool:
        """Whether it ever was an access token."""
        return token in self._access

    def revoke(self, fits: Callable[[Grant], bool]) -> int:
        """Take grants back, with all their tokens. Returns how many."""
        coded = [one.grant for one in self._codes.values()]
        grants = dict.fromkeys([*coded, *(one.grant for one in self._refresh.values())])
        taken = [one for one in grants if fits(one) and not one.is_revoked]
        for one in taken:
            one.is_revoked = True
        return len(taken)

    def expire(self, fits: Callable[[Grant], bool], now: float) -> int:
        """End the life of access tokens now; refresh tokens stay. Returns how many."""
        alive = [one for one in self._access.values() if fits(one.grant) and now < one.ends_at]
        for one in alive:
            self._access[one.access] = Issued(one.grant, one.access, one.refresh, now)
        return len(alive)

    def _issue(self, grant: Grant, now: float, refresh: str) -> Issued:
        made = Issued(grant, _token(), refresh, now + self.access_seconds)
        self._access[made.access] = made
        if refresh not in self._refresh:
            self._refresh[refresh] = _Refresh(grant, now + self.refresh_seconds)
        return made


def _token() -> str:
    """A token that looks like the vendors', which are JWTs."""
    return f"eyJ{token_urlsafe(12)}.{token_urlsafe(24)}.{token_urlsafe(24)}"
