"""A transport that sees by the vendors' answers whether this machine's clock is right, and whether few requests are left."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from connectors.http.call_record import CallRecord
from connectors.http.request import Request, Response, Transport
from streams.operations.doctor.check_result import CheckResult, compare_clocks
from streams.operations.subscriptions.reconcile import FEW

Now = Callable[[], float]


class ClockTransport:
    """A transport that compares our clock with the vendor's: each response has a `Date`, in whole seconds."""

    def __init__(self, inner: Transport, now: Now) -> None:
        self._inner = inner
        self._now = now
        self.least = float("-inf")
        self.most = float("inf")
        self.is_low = False

    async def __call__(self, request: Request) -> Response:
        before = self._now()
        response = await self._inner(request)
        after = self._now()
        try:
            date = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
        except ValueError:
            return response
        # The vendor wrote it between `before` and `after`, at some time within the second that it names.
        self.least = max(self.least, before - date - 1)
        self.most = min(self.most, after - date)
        return response

    def note_rate(self, answer: CallRecord) -> None:
        """Note when few requests of the window are left."""
        rate = answer.rate
        self.is_low = self.is_low or (rate is not None and rate.remaining is not None and rate.remaining <= FEW)

    def clock(self, whose: str) -> list[CheckResult]:
        """How our clock compares to the vendor's, if it sent its time."""
        return [compare_clocks(whose, self.least, self.most)] if self.least > float("-inf") else []
