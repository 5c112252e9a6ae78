"""What a request held."""

from __future__ import annotations

from streams.core.fingerprint import field_hash
from streams.messages import Receipt, Snapshot
from streams.operations.history.sent_requests import Sender
from streams.settings import parse_settings

CONNECTION = parse_settings(
    '[connections.c]\n[connections.c.lofty]\nteam_id = "1"\n[connections.c.ghl]\nlocation_id = "loc"\n'
).connections["c"]
OF_ENTITY = {"connection": "c", "lead": "7", "kind": "contact", "id": "7"}


def snapshot(fingerprint: str, first: str) -> Snapshot:
    """A lead."""
    times = {"version_ms": 1, "read_ms": 2, "update_time_ms": 1, "accepted_ms": 1}
    return Snapshot.model_validate(OF_ENTITY | times | {"state": {"firstName": first}, "fingerprint": fingerprint})


def receipt(fingerprint: str, outcome: str = "applied", **fields: str) -> Receipt:
    """A write of some fields."""
    hashes = {name: field_hash(value) for name, value in fields.items()}
    facts = {"outcome": outcome, "step": "update contact", "at_ms": 1, "version_ms": 1, "fingerprint": fingerprint}
    return Receipt.model_validate(OF_ENTITY | facts | {"fields": hashes})


def test_only_what_changed_is_told() -> None:
    """A receipt names all that we own; what the one before had already was not sent again."""
    sender = Sender(CONNECTION, [snapshot("f1", "Ada"), snapshot("f2", "Eve")])
    first = sender.sent(receipt("f1", firstName="Ada", lastName="X"))
    second = sender.sent(receipt("f2", firstName="Eve", lastName="X"))
    assert {one.field for one in first} == {"firstName", "lastName"}
    assert [(one.field, one.value, one.is_known) for one in second] == [("firstName", "Eve", True)]


def test_a_value_whose_hash_is_another_is_not_shown() -> None:
    """The mapping has changed since, or the snapshot is compacted away: better nothing than something wrong."""
    sender = Sender(CONNECTION, [snapshot("f1", "Ada")])
    (changed,) = sender.sent(receipt("f1", firstName="ADA"))
    (gone,) = sender.sent(receipt("f9", firstName="Ida"))
    assert (changed.value, changed.is_known) == (None, False)
    assert (gone.value, gone.is_known) == (None, False)


def test_a_refusal_sends_nothing_that_stands() -> None:
    sender = Sender(CONNECTION, [snapshot("f1", "Ada")])
    assert sender.sent(receipt("f1", "failed", firstName="Ada")) == ()
