"""The sandbox's webhooks about opportunities have the shapes of GHL's webhook documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings, HookSettings, LocationSettings
from connectors.sandbox.ghl.people import act
from connectors.sandbox.ghl.seeds import seed
from tests.contract.openapi import specs_folder

NAMES = ("Create", "Update", "Delete", "StageUpdate", "StatusUpdate", "AssignedToUpdate", "MonetaryValueUpdate")
TYPES = tuple(f"Opportunity{name}" for name in NAMES)


@pytest.fixture(scope="module")
def events() -> dict[str, dict[str, Any]]:
    """One event of each type: an opportunity is created, changed in all that is reported, and deleted."""
    settings = GhlSandboxSettings(
        locations=(LocationSettings("loc", ("pit",)),), hooks=HookSettings(url="http://x.test")
    )
    sandbox = GhlSandbox(settings)
    pipelines = [{"id": "buyers", "name": "Buyers", "stages": ["New", {"id": "hot", "name": "Hot"}]}]
    given = {"location": "loc", "pipelines": pipelines, "users": [{"id": "ann", "name": "Ann"}]}
    contact = seed(sandbox, {**given, "contacts": [{"email": "ann@example.com"}]})["contacts"][0]
    body = {"contactId": contact, "pipelineId": "buyers", "name": "Ann Vale", "status": "open"}
    made = act(sandbox, {"do": "create-opportunity", "location": "loc", "body": body})["opportunity"]
    changes = {"pipelineStageId": "hot", "status": "won", "assignedTo": "ann", "monetaryValue": 450_000}
    for name, change in (("update-opportunity", changes), ("delete-opportunity", {})):
        act(sandbox, {"do": name, "location": "loc", "ids": {"id": made["id"]}, "body": change})
    return {event["type"]: event for event in sandbox.outbox}


@pytest.mark.parametrize("type_", TYPES)
def test_an_event_has_the_documents_shape(events: dict[str, dict[str, Any]], type_: str) -> None:
    """Every property is described, of the type that is described, and none that the example has is missing in a full one."""
    documents = json.loads((specs_folder("ghl") / "webhook-examples.json").read_text(encoding="utf-8"))
    schema, (example, *_) = documents[type_]["schema"], documents[type_]["examples"]
    event = events[type_]
    assert list(OAS30Validator(schema).iter_errors(event)) == []
    assert event.keys() <= schema["properties"].keys()
    assert type_.endswith("Create") or example.keys() - event.keys() == {"source"}  # no write of the API sets it
