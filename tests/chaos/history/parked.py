"""What is visibly parked: an entity that waits for a person, or for its next change."""

from __future__ import annotations

from tests.chaos.history.history import History


def parked_since(history: History) -> dict[str, int]:
    """Entity → when it was parked last, unless a receipt has settled it since, or said that it is."""
    since: dict[str, int] = {}
    for one in history.parked:
        if one.entity is not None:
            since[one.entity] = max(one.at_ms, since.get(one.entity, 0))
    for line in history.receipts:
        receipt = line.receipt
        is_right = receipt.settled or receipt.outcome == "unchanged"
        if is_right and receipt.at_ms > since.get(receipt.entity.key, receipt.at_ms):
            del since[receipt.entity.key]
    return since
