"""The mapping, GHL's allow-lists and the vendors' documents agree on the fields of a contact."""

from __future__ import annotations

import json

import pytest

from connectors.ghl.bodies import BODIES, build
from streams.mapping import compile_mapping, map_contact
from streams.mapping.ghl_fields import ASSIGNED_TO, KEPT_BACK, STANDARD
from streams.mapping.lead_fields import ADDRESS, AGENT, LEAD_FIELDS
from tests.contract.openapi import specs_folder

WRITES = ("create-contact", "update-contact")
UNMAPPED = {"name", "country", "website", "timezone"}
SEEN_LIVE = {"leadType"}


def schema_of(vendor: str, file: str, schema: str) -> set[str]:
    """The fields of a schema in one of the vendors' documents."""
    document = json.loads((specs_folder(vendor) / file).read_text(encoding="utf-8"))
    return set(document["components"]["schemas"][schema]["properties"])


@pytest.mark.parametrize("operation", WRITES)
def test_every_field_that_a_mapping_may_fill_is_taken_by_both_writes(operation: str) -> None:
    """What is created can be updated."""
    assert {*STANDARD, ASSIGNED_TO} <= BODIES[operation].allowed


def test_every_field_that_ghl_takes_is_mapped_or_kept_back_with_a_reason() -> None:
    """Nobody has to guess why a field is missing."""
    taken = set().union(*(BODIES[operation].allowed for operation in WRITES))
    assert taken - {*STANDARD, ASSIGNED_TO} <= set(KEPT_BACK)


def test_the_default_mapping_covers_all_that_lofty_knows() -> None:
    """A new user writes none. The others have no source in Lofty, or GHL makes them itself."""
    mapping = compile_mapping()
    assert {field.target for field in mapping.standard} == set(STANDARD) - UNMAPPED
    assert mapping.assignment is not None


@pytest.mark.parametrize("operation", WRITES)
def test_a_mapped_lead_makes_a_body_that_the_client_builds(operation: str) -> None:
    """The allow-list has nothing to refuse."""
    mapped = map_contact(compile_mapping(), {"leadId": 1, "firstName": "Jane", "stage": "New"}, region="US")
    custom = [{"id": reference, "field_value": value} for reference, value in mapped.custom.items()]
    body = {**mapped.fields, "customFields": custom}
    if "locationId" in BODIES[operation].required:
        body["locationId"] = "L"
    assert build(operation, body) == body


@pytest.mark.parametrize("schema", ["UpsertContactDto", "UpdateContactDto"])
def test_ghls_document_knows_every_standard_field(schema: str) -> None:
    """By the same names."""
    assert {*STANDARD, ASSIGNED_TO} <= schema_of("ghl", "apps/contacts.json", schema)


def test_loftys_document_knows_the_fields_that_expressions_may_read() -> None:
    """All of them, and those that were seen live or are our own."""
    known = schema_of("lofty", "openapi.json", "LeadResponse")
    assert LEAD_FIELDS - {AGENT, ADDRESS} - SEEN_LIVE == known
