"""The checker itself: it must catch what is planted, for otherwise its silence means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.contract.faults import Excuse, Fault, judge
from tests.contract.openapi import OpenApi, specs_folder

URL = "https://ghl.test"
HEADERS = {"Version": "2021-07-28", "Content-Type": "application/json"}
TASK = {"title": "Call", "dueDate": "2026-10-25T11:00:00Z", "completed": False}


def rules(faults: list[Fault]) -> set[tuple[str, str]]:
    """Where, and which rule."""
    return {(fault.where, fault.rule) for fault in faults}


def request_rules(documents: OpenApi, method: str, path: str, body: Any = None, **headers: str) -> set[tuple[str, str]]:
    """What the checker says of a request."""
    content = None if body is None else orjson.dumps(body)
    return rules(documents.request_faults(method, URL + path, {**HEADERS, **headers}, content))


def answer_rules(documents: OpenApi, path: str, status: int, body: Any) -> set[tuple[str, str]]:
    """What the checker says of an answer to a GET."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return rules(documents.answer_faults("GET", URL + path, status, content))


def test_a_right_request_has_no_fault(documents: OpenApi) -> None:
    """Else every test would fail."""
    assert request_rules(documents, "POST", "/contacts/c1/tasks", TASK) == set()
    assert request_rules(documents, "GET", "/contacts/?locationId=l1&limit=20&startAfter=1.5") == set()
    assert request_rules(documents, "GET", "/contacts/a%2Fb") == set()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"title": None}, ("body.title", "type")),
        ({"completed": "false"}, ("body.completed", "type")),
        ({"locationId": "l1"}, ("body.locationId", "undescribed")),
        ({"tilte": "x"}, ("body.tilte", "undescribed")),
    ],
)
def test_a_planted_wrong_field_is_caught(documents: OpenApi, change: Mapping[str, Any], fault: tuple[str, str]) -> None:
    """Of a wrong type, or unknown."""
    assert request_rules(documents, "POST", "/contacts/c1/tasks", {**TASK, **change}) == {fault}


def test_a_missing_field_is_caught(documents: OpenApi) -> None:
    """`dueDate` is required."""
    assert request_rules(documents, "POST", "/contacts/c1/tasks", {"title": "x", "completed": True}) == {
        ("body", "required")
    }


def test_a_wrong_place_is_caught(documents: OpenApi) -> None:
    """No such path; no such method there; the slash at the end matters."""
    assert request_rules(documents, "GET", "/contact/c1") == {("path", "path")}
    assert request_rules(documents, "PATCH", "/contacts/c1") == {("path", "path")}
    assert request_rules(documents, "POST", "/contacts", {"locationId": "l1"}) == {("path", "path")}


def test_a_wrong_query_is_caught(documents: OpenApi) -> None:
    """Required, unknown, of a wrong type, not of the list."""
    assert request_rules(documents, "GET", "/contacts/?limit=ten&page=2") == {
        ("query.locationId", "required"),
        ("query.limit", "type"),
        ("query.page", "undescribed"),
    }
    assert request_rules(documents, "GET", "/locations/l1/customFields?model=lead") == {("query.model", "enum")}


def test_a_wrong_header_is_caught(documents: OpenApi) -> None:
    """Another version, no version, a body that is not called JSON."""
    assert request_rules(documents, "GET", "/contacts/c1", Version="v3") == {("header.Version", "enum")}
    assert rules(documents.request_faults("GET", f"{URL}/contacts/c1", {}, None)) == {("header.Version", "required")}
    assert request_rules(documents, "POST", "/contacts/c1/tasks", TASK, **{"Content-Type": "text/plain"}) == {
        ("header.Content-Type", "content type")
    }


def test_a_body_too_many_or_too_few_is_caught(documents: OpenApi) -> None:
    """A GET has none, a POST must have one."""
    assert request_rules(documents, "GET", "/contacts/c1", {}) == {("body", "undescribed")}
    assert request_rules(documents, "POST", "/contacts/c1/tasks") == {("body", "required")}


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, {"contact": {"id": 7}}, ("status.200.body.contact.id", "type")),
        (200, {"contact": {"id": "c", "idd": "c"}}, ("status.200.body.contact.idd", "undescribed")),
        (200, {"contact": {"tags": [1]}}, ("status.200.body.contact.tags[0]", "type")),
        (200, {"contact": {"city": None}}, ("status.200.body.contact.city", "type")),
        (200, b"<html>", ("status.200.body", "json")),
        (400, {"statusCode": 400, "message": ["x"]}, ("status.400.body.message", "type")),
        (422, {"statusCode": 422, "message": "x"}, ("status.422.body.message", "type")),
        (418, {}, ("status.418", "undescribed")),
    ],
)
def test_a_planted_wrong_answer_is_caught(documents: OpenApi, status: int, body: Any, fault: tuple[str, str]) -> None:
    """Types, unknown properties, statuses, texts that are no JSON, also behind references to other documents."""
    assert fault in answer_rules(documents, "/contacts/c1", status, body)


def test_an_excuse_covers_its_own_fault_and_no_other() -> None:
    """By operation, side, place and rule."""
    fault = Fault("get-contact", "answer", "status.200.body.contact.customFields[3].value", "type", "…")
    excuse = Excuse("get-*", "answer", "status.200.body.contact.customFields[].value", "type", "…")
    others = [
        Excuse("put-*", excuse.side, excuse.where, excuse.rule, "…"),
        Excuse(excuse.operation, "request", excuse.where, excuse.rule, "…"),
        Excuse(excuse.operation, excuse.side, "status.200.body.contact", excuse.rule, "…"),
        Excuse(excuse.operation, excuse.side, excuse.where, "enum", "…"),
    ]
    assert judge([fault], [excuse]) == ([], [])
    assert judge([fault], others) == ([fault], others)


def test_absent_documents_skip_with_a_reason_and_fail_in_ci(tmp_path: Path) -> None:
    """A silent skip would prove nothing."""
    absent = {"LOFTY_GHL_SPECS": str(tmp_path)}
    with pytest.raises(pytest.skip.Exception, match="LOFTY_GHL_SPECS"):
        specs_folder("ghl", absent)
    with pytest.raises(pytest.fail.Exception, match="LOFTY_GHL_SPECS"):
        specs_folder("ghl", {**absent, "CI": "true"})
