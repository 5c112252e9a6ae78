"""What the console refuses, in plain words: pages show it, the API answers it as `application/problem+json` (RFC 9457).

ConsoleError
  Malformed      400   the request cannot be read
  NotSignedIn    401   nobody has signed in, or the session has ended
  SignInRefused  401   wrong name or password
  NotAllowed     403   signed in, but another role is needed
  Forged         403   the request does not come from the console's own pages
  NotFound       404
  Conflict       409   somebody else changed it first
  WrongInput     422   `faults` say what, each
  TooMany        429   `wait_seconds`
  Unavailable    503   Kafka, the index or a provider cannot be reached
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what was sent. `line` where it is a text of several."""

    where: str
    expected: str
    got: str = ""
    hint: str = ""
    line: int | None = None


class ConsoleError(Exception):
    """`words` say what happened and what to do; by `kind` a program recognises it."""

    status = 500
    kind = "error"
    title = "Something went wrong"

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__(words)


class Malformed(ConsoleError):
    status, kind, title = 400, "malformed", "The request cannot be read"


class NotSignedIn(ConsoleError):
    status, kind, title = 401, "not-signed-in", "Sign in first"


class SignInRefused(ConsoleError):
    status, kind, title = 401, "sign-in-refused", "Not signed in"


class NotAllowed(ConsoleError):
    status, kind, title = 403, "not-allowed", "Another role is needed"


class Forged(ConsoleError):
    status, kind, title = 403, "forged", "The request was refused"


class NotFound(ConsoleError):
    status, kind, title = 404, "not-found", "Not found"


class Conflict(ConsoleError):
    status, kind, title = 409, "conflict", "Somebody else changed it first"


class WrongInput(ConsoleError):
    status, kind, title = 422, "wrong-input", "The request is not valid"

    def __init__(self, words: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(words)


class TooMany(ConsoleError):
    status, kind, title = 429, "too-many", "Too many attempts"

    def __init__(self, words: str, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(words)


class Unavailable(ConsoleError):
    status, kind, title = 503, "not-now", "Not available right now"
