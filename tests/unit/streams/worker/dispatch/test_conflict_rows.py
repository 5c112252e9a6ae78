"""The table `conflicts` holds the links that name a conflict, whatever happens to them, and no others."""

from __future__ import annotations

import pytest

from streams.core.rows import LinkRow
from streams.messages import Conflict, Entity
from streams.worker.dispatch.conflict_rows import ConflictRows
from streams.worker.reporting.open_rows import OpenConflicts
from tests.unit.streams.worker.dispatch.stage import PARTITION, Stage

ANN = Entity.contact("acme", "1")
PHONE = {"phone": Conflict(hash="p", contact_id="c-2", lead="acme:2:contact:2")}
LINK = LinkRow(ghl_id="c-1", fields={"city": "h"}, settled="f/m", conflicts=PHONE)


class Desk(Stage):
    """One partition with such rows, and what the status counts of them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.open = ConflictRows(self.conflicts), OpenConflicts()
        self.conflicts.watch = self.open.put


async def test_a_row_has_what_a_conflict_needs_and_nothing_else() -> None:
    """The same link once more writes nothing."""
    on = Desk()
    on.rows.linked(PARTITION, ANN, LINK)
    on.rows.linked(PARTITION, ANN, LINK)
    assert on.conflicts.get(PARTITION, ANN.key) == LinkRow(ghl_id="c-1", conflicts=PHONE)
    await on.conflicts.flush()
    assert len(on.log.records["conflicts"]) == 1


@pytest.mark.parametrize("change", [{"conflicts": {}}, {"is_gone": True}, {"is_deleted": True}])
async def test_a_conflict_that_has_ended_leaves_no_row(change: dict[str, object]) -> None:
    """Also where the lead or its contact is gone."""
    on = Desk()
    on.rows.linked(PARTITION, ANN, LINK)
    on.rows.linked(PARTITION, ANN, LINK.model_copy(update=change))
    assert on.conflicts.get(PARTITION, ANN.key) is None
    assert on.open.number("acme") == 0


async def test_what_nobody_has_decided_is_counted_by_connection_until_somebody_does() -> None:
    """A partition that goes to another worker is not counted here any longer."""
    on = Desk()
    on.rows.linked(PARTITION, ANN, LINK)
    on.rows.linked(PARTITION, ANN._replace(connection="acme2"), LINK)
    assert (on.open.number("acme"), on.open.number("acme2")) == (1, 1)
    on.rows.linked(PARTITION, ANN, LINK.model_copy(update={"decided": {"c-2": "apart"}}))
    assert (on.open.number("acme"), on.open.number("acme2")) == (0, 1)
    on.open.forget(PARTITION)
    assert on.open.number("acme2") == 0
