"""Every error that a vendor call can end with, and what can be wrong with sealed tokens.

::

    ConnectorError
    ├── InvalidRequest          ours: refused by our own rules before it left
    ├── NetworkError            no usable answer
    │   ├── NotSent             the vendor cannot have seen the request: repeat it
    │   │   └── TokenUnavailable    the access token is to be renewed, and cannot be for now
    │   └── Unanswered          the vendor may have acted on it: in doubt
    │       └── AnswerTooLarge  it has, and its answer is larger than what is read
    ├── CallbackRefused         what came to the redirect URI is no permission
    └── VendorError             the vendor answered, and not with a 2xx
        ├── GrantRefused        its OAuth server gives no tokens: a person has to connect again
        └── MalformedAnswer     a 2xx whose body is not what the operation promises: in doubt too

    WebhookNotJson              a webhook's body is not the JSON that the vendor sends
    UnknownWebhookShape         it is JSON, in a shape that we do not know

    SealError                   tokens at rest: for a person, retrying changes nothing
    ├── BrokenKeys              the text of a key ring cannot be read
    ├── CannotOpen              stays closed
    │   ├── UnknownKey          sealed under a key that the ring does not have
    │   └── Tampered            not as it was sealed, or sealed about something else
    └── BrokenTokens            opened, and is no token pair

What each of them leads to is data: `connectors/outcome.py`.
None of them holds a credential: they carry the method, the path and the vendor's words, never headers that we sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.rate import RateHeaders


class ConnectorError(Exception):
    """Root of the tree."""


class InvalidRequest(ConnectorError):
    """A request that the vendor would refuse: it never left. `problems` names each field and what is allowed."""

    def __init__(self, vendor: str, operation: str, problems: tuple[str, ...]) -> None:
        self.vendor = vendor
        self.operation = operation
        self.problems = problems
        super().__init__(f"{vendor} {operation}, never sent: {'; '.join(problems)}")


class NetworkError(ConnectorError):
    """No usable answer to `method path`, for `cause` (an exception's name)."""

    def __init__(self, method: str, url: str, cause: str) -> None:
        self.method = method
        self.path = urlsplit(url).path
        self.cause = cause
        super().__init__(f"{method} {self.path}: {cause}")


class NotSent(NetworkError):
    """The request never left: repeating it is safe."""


class TokenUnavailable(NotSent):
    """`about` (a budget) has no access token to send a request with, for `cause`: later it may."""

    def __init__(self, about: str, cause: str) -> None:
        self.about = about
        self.method = self.path = ""
        self.cause = cause
        ConnectorError.__init__(self, f"{about} has no access token for now: {cause}")


class Unanswered(NetworkError):
    """The request left and no answer came: the vendor may have acted on it."""


class AnswerTooLarge(Unanswered):
    """A 2xx of more than `most_bytes`, unpacked: the vendor has acted, and what it says of that is not known."""

    def __init__(self, method: str, url: str, status: int, most_bytes: int) -> None:
        self.status = status
        self.most_bytes = most_bytes
        super().__init__(method, url, f"expected an answer of at most {most_bytes} bytes, got {status} with more")


class VendorError(ConnectorError):
    """The vendor's refusal, in its own words.

    `messages` always is a tuple, though GHL sends a string on 400/401/403 and a list on 422.
    `code` is Lofty's error code (for example 20006), `meta` GHL's (for example the `contactId` of a duplicate).
    """

    def __init__(
        self,
        *,
        vendor: str,
        operation: str,
        status: int,
        messages: tuple[str, ...],
        code: int | None = None,
        trace_id: str | None = None,
        meta: Mapping[str, Any] | None = None,
        rate: RateHeaders | None = None,
    ) -> None:
        self.vendor = vendor
        self.operation = operation
        self.status = status
        self.messages = messages
        self.code = code
        self.trace_id = trace_id
        self.meta = dict(meta or {})
        self.rate = rate
        code_text = f" code {code}" if code is not None else ""
        trace_text = f" (traceId {trace_id})" if trace_id else ""
        super().__init__(f"{vendor} {operation}: {status}{code_text} {'; '.join(messages)}{trace_text}")

    @property
    def message(self) -> str:
        """All messages as one line."""
        return "; ".join(self.messages)


class GrantRefused(VendorError):
    """An OAuth server gives no tokens: the grant is revoked, expired or used up, or the client's secret is wrong.

    `is_final` says that the server has judged the grant: asking again changes nothing.
    Else it is a refusal without such words (a firewall, a wrong address).
    A `status` of 0: there was nothing to ask with.
    """

    def __init__(self, *, is_final: bool, **facts: Any) -> None:
        super().__init__(**facts)
        self.is_final = is_final

    def __str__(self) -> str:
        said = f"{self.status} {self.message}" if self.status else self.message
        return f"{self.vendor} gives no tokens: {said}. Give access again with: lofty-ghl connect"


class WrongAccount(VendorError):
    """Lofty answered with data of another team than the one that the connection names: its access belongs to that team.

    `expected` and `came` are team ids. Nothing of the answer may be used.
    """

    def __init__(
        self, *, operation: str, status: int, expected: str, came: str, rate: RateHeaders | None = None
    ) -> None:
        self.expected, self.came = expected, came
        words = (
            f"this access belongs to Lofty team {came}, and the connection is for team {expected}",
            "give access as a person of that team (lofty-ghl connect lofty, or another API key), or correct lofty.team_id",
        )
        super().__init__(vendor="lofty", operation=operation, status=status, messages=words, rate=rate)


class MalformedAnswer(VendorError):
    """A 2xx that cannot be read. The write may have been applied."""


class CallbackRefused(ConnectorError):
    """What came to the redirect URI is no permission that we asked for: `reason` is for whoever looks at the browser."""

    def __init__(self, vendor: str, reason: str) -> None:
        self.vendor = vendor
        self.reason = reason
        super().__init__(f"{vendor} gave no permission: {reason}")


class WebhookNotJson(ValueError):
    """A webhook's body is not the JSON that the vendor sends."""


class UnknownWebhookShape(ValueError):
    """A webhook in a shape that we do not know. The message says what was expected and what came, without any content."""


class SealError(Exception):
    """Root of what can be wrong with sealed tokens and the keys for them. No key or token is in any of them."""


class BrokenKeys(SealError):
    """The text of a key ring cannot be read: which entry, what was expected, how to make one."""


class CannotOpen(SealError):
    """Sealed data that stays closed. `about` says whose it is."""

    def __init__(self, about: str, why: str) -> None:
        self.about = about
        super().__init__(f"cannot open what is sealed about {about!r}: {why}")


class UnknownKey(CannotOpen):
    """Sealed under `key_id`, which is none of `known`."""

    def __init__(self, about: str, key_id: str, known: tuple[str, ...]) -> None:
        self.key_id = key_id
        self.known = known
        there = ", ".join(known)
        super().__init__(about, f"its key {key_id!r} is not in the ring ({there}); put it behind the first one")


class Tampered(CannotOpen):
    """Anything of it is not as it was sealed."""


class BrokenTokens(SealError):
    """Opened, and is no token pair."""
