"""Lofty's own samples of its twelve webhooks become the right pings, and the sandbox speaks as they do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.lofty.webhooks import BUCKETS, WITHOUT_LEAD, UnknownWebhookShape, parse
from connectors.sandbox.lofty.pings import AS_OBJECTS, bodies
from connectors.sandbox.lofty.state import TeamChange
from tests.contract.openapi import specs_folder

EXPECTED: dict[str, list[tuple[str, str, str, str]]] = {
    "1_agent_info": [],
    "2_lead_info": [
        ("contact", "456", "456", "created"),
        ("contact", "457", "457", "updated"),
        ("contact", "458", "458", "deleted"),
    ],
    "3_lead_activity": [("contact", "456", "456", "updated")],
    "4_listing_alert": [],
    "5_transaction": [("contact", lead, lead, "updated") for lead in ("456", "457", "458")],
    "6_call": [("contact", "456", "456", "updated")],
    "7_email": [("contact", "456", "456", "updated")],
    "8_text": [("contact", "456", "456", "updated")],
    "9_note": [
        ("note", "101", "456", "created"),
        ("note", "102", "457", "updated"),
        ("note", "103", "458", "deleted"),
    ],
    "10_task": [
        ("task", "101", "456", "created"),
        ("task", "102", "457", "updated"),
        ("task", "103", "458", "finished"),
        ("task", "104", "459", "deleted"),
    ],
    "11_appointment": [
        ("appointment", "101", "456", "created"),
        ("appointment", "102", "457", "updated"),
        ("appointment", "103", "458", "finished"),
        ("appointment", "104", "459", "deleted"),
    ],
    "12_pipeline": [("contact", "456", "456", "updated")],
}


@pytest.fixture(scope="module")
def samples() -> dict[str, Any]:
    """Lofty's samples, and one of a shape that it gave up."""
    found: dict[str, Any] = json.loads((specs_folder("lofty") / "webhook_payloads.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_each_sample_becomes_its_pings(samples: dict[str, Any], name: str) -> None:
    """Kind, id, lead and operation; team, list and time are the sample's."""
    parsed = parse(json.dumps(samples[name]).encode())
    found = [(one.kind, one.entity_id, one.lead_id, one.operation) for one in parsed.pings]
    assert found == EXPECTED[name]
    assert (parsed.team_id, parsed.list_id) == ("123456", int(name.partition("_")[0]))
    assert all(one.update_time_ms // 1000 in range(1_736_935_800, 1_736_936_000) for one in parsed.pings)
    assert (parsed.ignored is None) is bool(parsed.pings)


def test_the_samples_are_the_twelve_that_we_know(samples: dict[str, Any]) -> None:
    """A thirteenth would need a decision."""
    assert {name for name in samples if not name.startswith("_")} == set(EXPECTED)
    assert BUCKETS.keys() | WITHOUT_LEAD.keys() == set(range(1, 13))


def test_the_shape_that_lofty_gave_up_is_unknown(samples: dict[str, Any]) -> None:
    """It is parked, not guessed at."""
    with pytest.raises(UnknownWebhookShape):
        parse(json.dumps(samples["_superseded_wrong_shape"]).encode())


@pytest.mark.parametrize("name", ["2_lead_info", "9_note", "10_task", "11_appointment", "12_pipeline"])
def test_the_sandbox_speaks_as_the_samples_do(samples: dict[str, Any], name: str) -> None:
    """The same items in the same buckets make the same body, arrays and objects included."""
    sample = samples[name]
    told = [
        TeamChange(sample["listId"], bucket, item)
        for bucket, held in sample.items()
        if bucket not in {"teamId", "listId"}
        for item in (held if isinstance(held, list) else [held])
    ]
    (body,) = bodies(sample["teamId"], sample["listId"], told, 100)
    objects = {bucket for bucket, held in sample.items() if isinstance(held, dict)}
    assert json.loads(body) == sample
    assert objects <= AS_OBJECTS
