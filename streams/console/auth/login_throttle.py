"""How often a sign-in may be tried: a limit for each address and each name. Pure: `now` is an argument, in seconds.

Counted are failures. An address waits after 10 in a quarter of an hour, a name after 20, whoever tried it, and each more by
the double, up to a quarter of an hour. A gateway counts for itself: with several, the limits are so many times as high.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

WINDOW_SECONDS = 900.0
FREE_OF_ADDRESS, FREE_OF_NAME = 10, 20
FIRST_WAIT_SECONDS = 5.0
MOST_KEYS = 10_000
"""What is remembered; beyond it the oldest are forgotten."""


@dataclass(slots=True)
class _Failures:
    times: list[float] = field(default_factory=list)
    until: float = 0.0


class Attempts:
    """The failures of the last quarter of an hour."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def wait_seconds(self, address: str, name: str, now: float) -> float:
        """How long the next try must wait; 0 when it may come now."""
        waits = [self._failures[key].until - now for key in _keys(address, name) if key in self._failures]
        return max(0.0, *waits) if waits else 0.0

    def failed(self, address: str, name: str, now: float) -> None:
        """A try was wrong."""
        for key, free in zip(_keys(address, name), (FREE_OF_ADDRESS, FREE_OF_NAME), strict=True):
            found = self._failures.setdefault(key, _Failures())
            self._failures.move_to_end(key)
            found.times = [*(at for at in found.times[-100:] if now - at < WINDOW_SECONDS), now]
            over = len(found.times) - free
            if over >= 0:
                found.until = now + min(WINDOW_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(over, 20))
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        """A try was right: the name's failures are forgotten, the address's stay, as others may sit behind it."""
        self._failures.pop(("name", name), None)


def _keys(address: str, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("address", address), ("name", name)
