"""What was read for a page a moment ago."""

from __future__ import annotations

import pytest

from streams.console.services.kept import Kept


class Reads:
    """A clock, and something that is read; `found` is what it says now."""

    def __init__(self) -> None:
        self.now, self.count, self.found = 100.0, 0, "leads"

    async def read(self) -> str:
        """Read it once more."""
        self.count += 1
        if self.found == "trouble":
            raise OSError("Kafka is away")
        return self.found


async def test_several_looks_within_some_seconds_cost_one_reading() -> None:
    reads = Reads()
    kept = Kept[str](5.0, bool, lambda: reads.now)
    assert [await kept.get("acme", reads.read) for _ in range(3)] == ["leads"] * 3
    assert reads.count == 1
    await kept.get("best", reads.read)
    reads.now += 5.0
    reads.found = "newer"
    assert (await kept.get("acme", reads.read), reads.count) == ("newer", 3)


async def test_what_is_empty_or_fails_is_looked_for_again_at_once() -> None:
    """Whoever waits for the first lead sees it when it comes."""
    reads = Reads()
    kept = Kept[str](5.0, bool, lambda: reads.now)
    reads.found = ""
    assert await kept.get("acme", reads.read) == ""
    reads.found = "trouble"
    with pytest.raises(OSError, match="away"):
        await kept.get("acme", reads.read)
    reads.found = "leads"
    assert await kept.get("acme", reads.read) == "leads"
