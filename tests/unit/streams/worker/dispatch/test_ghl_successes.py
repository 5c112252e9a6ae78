"""What a receipt says of values that GHL answered with a 200 and dropped."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN, Call
from streams.worker.dispatch.ghl_calls import Performed
from streams.worker.dispatch.ghl_successes import left_out

F1, CITY = "custom:f1", "city"
OLD, NEW, NOTHING = (field_hash(value) for value in ("old", "new", None))


@pytest.mark.parametrize(
    ("sent", "before", "performed", "fields", "refused"),
    [
        pytest.param(NEW, {}, {}, NEW, None, id="taken"),
        pytest.param(NEW, {}, {"dropped": {F1}}, UNKNOWN, NEW, id="a value is dropped"),
        pytest.param(NEW, {"fields": {F1: OLD}}, {"shown": {F1: OLD}}, UNKNOWN, NEW, id="the old value is still there"),
        pytest.param(
            NEW, {"fields": {F1: OLD}}, {"shown": {F1: "as GHL writes it"}}, NEW, None, id="written otherwise"
        ),
        pytest.param(NOTHING, {}, {"dropped": {F1}}, NOTHING, NOTHING, id="it is not cleared"),
        pytest.param(
            NOTHING, {"refused": {F1: NEW}}, {"dropped": {F1}}, NOTHING, None, id="a refused value is not cleared"
        ),
    ],
)
def test_what_was_dropped_is_left_out_and_not_repeated(
    sent: str, before: dict[str, Any], performed: dict[str, Any], fields: str, refused: str | None
) -> None:
    """A dropped value is unknown, and refused until it changes; what GHL does not clear counts as cleared, and is flagged."""
    call = Call("update contact", "c-1", fields={F1: sent, CITY: OLD})
    facts = left_out(call, Performed("c-1", **performed), LinkRow.model_validate(before))
    assert facts["fields"] == {F1: fields, CITY: OLD}
    assert facts.get("refused") == ({F1: refused} if refused else None)


def test_what_a_new_contact_dropped_is_on_none() -> None:
    """So there is nothing to clear."""
    call = Call("create contact", fields={F1: NEW, CITY: OLD}, is_create=True)
    assert left_out(call, Performed("c-1", frozenset({F1})), LinkRow()) == {"fields": {CITY: OLD}, "refused": {F1: NEW}}
