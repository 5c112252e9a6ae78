"""The search's view of contacts, or of opportunities, which lags behind.

As measured by third parties on the real one: after a change the old record is served for a while,
then none at all, then the new one.
"""

from __future__ import annotations

from collections import deque
from typing import Any

_GONE_AFTER = 0.4
"""The part of the lag after which the old record vanishes (about 4 s of 10 s)."""

Document = dict[str, Any]


class SearchIndex:
    """Documents by id, each change visible only after the lag."""

    def __init__(self, lag_seconds: float) -> None:
        self._lag = lag_seconds
        self._visible: dict[str, Document] = {}
        self._vanishing: deque[tuple[float, str]] = deque()
        self._coming: deque[tuple[float, str, Document | None]] = deque()

    def change(self, record_id: str, document: Document | None, now: float) -> None:
        """A record has changed, or with None was deleted."""
        self._settle(now)
        if self._lag == 0:
            self._show(record_id, document)
            return
        self._vanishing.append((now + self._lag * _GONE_AFTER, record_id))
        self._coming.append((now + self._lag, record_id, document))

    def documents(self, now: float) -> list[Document]:
        """What the search knows by now."""
        self._settle(now)
        return list(self._visible.values())

    def _settle(self, now: float) -> None:
        while self._vanishing and self._vanishing[0][0] <= now:
            if self._coming and self._coming[0][0] <= self._vanishing[0][0]:
                _, record_id, document = self._coming.popleft()
                self._show(record_id, document)
                continue
            self._visible.pop(self._vanishing.popleft()[1], None)
        while self._coming and self._coming[0][0] <= now:
            _, record_id, document = self._coming.popleft()
            self._show(record_id, document)

    def _show(self, record_id: str, document: Document | None) -> None:
        if document is None:
            self._visible.pop(record_id, None)
        else:
            self._visible[record_id] = document
