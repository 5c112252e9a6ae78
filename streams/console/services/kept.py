"""What was read for a page a moment ago: several looks within some seconds cost one reading."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Found = TypeVar("Found")


@dataclass(slots=True)
class Kept(Generic[Found]):
    """Values by key, each for so many seconds, if it is `worth` it: an empty one is looked for again at once.

    What may be seen by whom is the caller's to check before.
    """

    seconds: float
    worth: Callable[[Found], bool]
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Found]] = field(default_factory=dict)

    async def get(self, key: str, read: Callable[[], Awaitable[Found]]) -> Found:
        """The kept value, or what `read` gives. What `read` raises is not kept."""
        kept = self._known.get(key)
        if kept is not None and self.clock() - kept[0] < self.seconds:
            return kept[1]
        found = await read()
        now = self.clock()
        self._known = {one: it for one, it in self._known.items() if now - it[0] < self.seconds}
        if self.worth(found):
            self._known[key] = now, found
        return found
