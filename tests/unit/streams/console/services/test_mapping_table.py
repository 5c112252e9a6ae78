"""What is said of custom fields while some workers answer, and others do not."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import pytest

from streams.console.pages.views.new_fields import new_field_words
from streams.console.services.mapping_table import Effects, NewField, _no_answer
from streams.messages import Observation
from streams.operations.worker_queries import directories
from streams.operations.worker_queries.errors import NoWorker
from streams.settings import parse_settings

SETTINGS = parse_settings(
    "".join(
        f"""[connections.{name}]
lofty = {{ team_id = "{number}" }}
ghl = {{ location_id = "loc{number}" }}
"""
        for number, name in enumerate(("acme", "best", "core"))
    )
)


class Workers:
    """The worker of `acme` answers, that of `best` does not, and nobody serves `core`."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """As a client of worker queries."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def query(self, connection: str, question: str) -> Observation:
        """What the owner of the location says."""
        if connection == "best":
            await asyncio.Event().wait()
        if connection == "core":
            raise NoWorker("connection core: nobody serves it")
        return Observation.model_construct(connection=connection)


async def test_a_connection_that_nobody_serves_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the others comes in time."""
    monkeypatch.setattr(directories, "WorkerQueryClient", Workers)
    found = await directories.ask_who_answers(SETTINGS, list(SETTINGS.connections.values()), 0.05)
    assert list(found) == ["acme"]
    assert await directories.ask_who_answers(SETTINGS, [], 0.05) == {}


def test_the_silent_are_named_beside_what_is_known() -> None:
    """Where no worker answers for any of them, names say nothing."""
    known = NewField("acme", "Budget", "MONETORY", "")
    words = new_field_words(Effects((known,), _no_answer(["best", "core"], of=3)))
    assert [one.split(" (")[0] for one in words[:1]] == ["“Budget”"]
    assert words[1].startswith("The sync engine did not answer for best, core, so it is not known")
    assert (
        _no_answer(["best"], of=1) == "The sync engine did not answer, so it is not known which custom fields GHL has."
    )
    assert _no_answer([], of=1) == ""
    assert "c0, c1, c2, c3, c4 and 2 more" in _no_answer([f"c{one}" for one in range(7)], of=9)
