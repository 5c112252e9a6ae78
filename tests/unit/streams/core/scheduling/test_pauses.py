"""When a budget pauses: for as long as the vendor says, and with a cause that its label is read from."""

from __future__ import annotations

import pytest

from connectors.errors import ConnectorError, GrantRefused, NotSent, VendorError
from connectors.outcome import OUTCOMES, Disposition, classify
from connectors.rate import RateHeaders
from streams.core.scheduling.pauses import (
    LONGEST_DAY_SECONDS,
    LONGEST_SECONDS,
    PAUSE_SECONDS,
    SPENT_SECONDS,
    pause_after,
    pause_kind,
    shuts_out,
)

WINDOW = 10.0


def answer(status: int, text: str = "no", rate: RateHeaders | None = None) -> VendorError:
    """What GHL says."""
    return VendorError(vendor="ghl", operation="get-contact", status=status, messages=(text,), rate=rate)


@pytest.mark.parametrize(
    ("rate", "seconds", "kind"),
    [
        (None, WINDOW, "rate limit"),
        (RateHeaders(retry_after_seconds=17.0, daily_remaining=0), 17.0, "rate limit"),
        (RateHeaders(reset_seconds=3.0, window_seconds=20.0), 3.0, "rate limit"),
        (RateHeaders(window_seconds=20.0), 20.0, "rate limit"),
        (RateHeaders(daily_remaining=5), WINDOW, "rate limit"),
        (RateHeaders(daily_remaining=0, daily_reset_seconds=900.0), 900.0, "daily quota"),
        (RateHeaders(daily_remaining=0), SPENT_SECONDS, "daily quota"),
        (RateHeaders(retry_after_seconds=1e12), LONGEST_SECONDS, "rate limit"),
        (RateHeaders(reset_seconds=1e12), LONGEST_SECONDS, "rate limit"),
        (RateHeaders(window_seconds=1e12), LONGEST_SECONDS, "rate limit"),
        (RateHeaders(daily_remaining=0, daily_reset_seconds=1e12), LONGEST_DAY_SECONDS, "daily quota"),
        (RateHeaders(daily_remaining=0, retry_after_seconds=1e12), LONGEST_DAY_SECONDS, "rate limit"),
    ],
)
def test_a_429_pauses_for_as_long_as_the_vendor_says(rate: RateHeaders | None, seconds: float, kind: str) -> None:
    """Else for its window."""
    pause = pause_after(answer(429, "Too many", rate), WINDOW)
    assert pause is not None
    assert (pause.seconds, pause_kind(pause.cause)) == (seconds, kind)


@pytest.mark.parametrize(
    ("error", "is_shut_out"),
    [
        (answer(401, "Invalid Private Integration token"), True),
        (answer(401, "Invalid JWT"), True),
        (answer(400, "Location is not active"), True),
        (answer(401, "The token is not authorized for this scope."), False),
        (
            GrantRefused(is_final=True, vendor="ghl", operation="token", status=400, messages=("invalid_grant",)),
            True,
        ),
    ],
    ids=str,
)
def test_without_access_a_budget_waits_for_a_person(error: ConnectorError, is_shut_out: bool) -> None:
    """A scope that is missing pauses it, too, but says nothing of other requests."""
    pause = pause_after(error, WINDOW)
    assert pause is not None
    assert (pause.seconds, pause_kind(pause.cause)) == (PAUSE_SECONDS, "no access")
    assert shuts_out(classify(error)) is is_shut_out


@pytest.mark.parametrize(
    "error",
    [answer(422), answer(500), answer(404, "Contact not found"), NotSent("GET", "https://x.test", "no route")],
    ids=str,
)
def test_other_answers_pause_nothing(error: ConnectorError) -> None:
    """They are about one entity."""
    assert pause_after(error, WINDOW) is None
    assert not shuts_out(classify(error))


def test_every_pause_has_a_kind_of_its_own() -> None:
    """Except for a header of ours that a vendor no longer knows, which is our defect."""
    names = {row.name for row in OUTCOMES if row.disposition in (Disposition.PAUSE, Disposition.REFRESH)}
    assert {name for name in names if pause_kind(name) == "other"} == {"version header"}
