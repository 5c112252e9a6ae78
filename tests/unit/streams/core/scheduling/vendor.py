"""A vendor that counts requests, as unkindly as its documents allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class Exchange:
    """One request, from its start to its answer. The vendor counts it at a moment in between that we do not know."""

    started: float
    answered: float = inf


@dataclass(slots=True)
class Vendor:
    """Every request that one budget ever sent."""

    exchanges: list[Exchange] = field(default_factory=list)

    def begin_request(self, now: float) -> Exchange:
        """A request starts."""
        exchange = Exchange(now)
        self.exchanges.append(exchange)
        return exchange

    def never_came(self, exchange: Exchange) -> None:
        """The request did not reach the vendor."""
        self.exchanges.remove(exchange)

    @property
    def in_flight(self) -> int:
        """How many requests have no answer yet."""
        return sum(1 for one in self.exchanges if one.answered == inf)

    def most_in_any_window(self, seconds: float) -> int:
        """The greatest count that any window of this length can show, sliding or fixed, whatever its alignment.

        A request may be counted in `[t, t + seconds)` when it started before the window's end and was answered
        at or after its begin. A window that begins with an answer is as bad as any.
        """
        begins = [one.answered for one in self.exchanges if one.answered != inf] + [
            max((one.started for one in self.exchanges), default=0.0)
        ]
        return max(
            sum(1 for one in self.exchanges if one.started < begin_request + seconds and one.answered >= begin_request)
            for begin_request in begins
        )

    def forget(self, before: float) -> None:
        """Drop what no window that is still open can count."""
        self.exchanges = [one for one in self.exchanges if one.answered >= before]
