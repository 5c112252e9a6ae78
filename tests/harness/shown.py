"""A test that the catalogue names must show what its rows say: else it fails, whatever it checks.

While such a test runs, the requests that the sandboxes answer with success and the webhooks that the gateway reads are noted. Each
operation and each event of the rows that name the test must be among them. So a row cannot say `works` by naming any test.
A sandbox answers only what is valid by the vendor's document (`tests/contract`), and the test itself says what came of it.
"""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest

from connectors.ghl.webhooks import Hook
from connectors.ghl.webhooks import parse as read_ghl
from connectors.lofty.webhooks import Parsed
from connectors.lofty.webhooks import parse as read_lofty
from connectors.sandbox.shared.ledger import Entry, RequestLedger
from streams.catalogue.catalogue import ROWS
from streams.catalogue.row import CatalogueRow, Vendor

Seen = set[tuple[Vendor, str]]
"""Operations by their names and events, each with its vendor."""


def rows_naming(test: str) -> tuple[CatalogueRow, ...]:
    """The rows that name a test."""
    return tuple(row for row in ROWS if row.test == test)


def not_shown(row: CatalogueRow, seen: Seen) -> list[str]:
    """What of a row has not been seen."""
    wanted = [(row.performer, name) for name in row.operations] + [(row.vendor, name) for name in row.events]
    return [f"{vendor}: {name}" for vendor, name in wanted if (vendor, name) not in seen]


def noting(patch: pytest.MonkeyPatch) -> Seen:
    """Note from now on what the sandboxes answer and the gateway reads."""
    seen: Seen = set()
    close = RequestLedger.close

    def noted_close(ledger: RequestLedger, entry: Entry, at: float, status: int | None) -> None:
        if status is not None and 200 <= status < 300:
            seen.add(("lofty" if entry.path.startswith("/v") else "ghl", entry.operation))
        close(ledger, entry, at, status)

    def noted_ghl(raw: bytes) -> Hook:
        hook = read_ghl(raw)
        seen.add(("ghl", hook.type))
        return hook

    def noted_lofty(raw: bytes) -> Parsed:
        parsed = read_lofty(raw)
        seen.update(("lofty", f"{parsed.list_id} {bucket}") for bucket in json.loads(raw))
        return parsed

    patch.setattr(RequestLedger, "close", noted_close)
    patch.setattr("streams.gateway.ghl_webhooks.parse", noted_ghl)
    patch.setattr("streams.gateway.lofty_webhooks.parse", noted_lofty)
    return seen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail a named test that does not show what its rows say."""
    rows = rows_naming(getattr(item, "originalname", item.name))
    if not rows:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        seen = noting(patch)
        yield
    lacking = [f"{row.title}: {', '.join(missing)}" for row in rows if (missing := not_shown(row, seen))]
    if lacking:
        raise AssertionError("the catalogue names this test for what it does not show:\n" + "\n".join(lacking))
