"""What a client reports of each response: the source of metrics, budgets and traces."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.rate import RateHeaders


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One response of a vendor, refusals included; a request without any response makes none.

    `operation` is the name in the vendor's catalogue, so that it may be a metric's label.
    `seconds` is the time from the request (its refresh and retry included) to the last byte.
    """

    vendor: str
    operation: str
    status: int
    seconds: float
    rate: RateHeaders | None = None
    trace_id: str | None = None
