"""GHL's deliveries: both shapes, and whatever else may come."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.ghl.webhooks import USED, parse
from streams.core.to_lofty.events import event_of
from streams.messages import GhlEvent

ENVELOPE = {"timestamp": "2025-06-25T06:57:06.225Z", "webhookId": "hook-1", "appId": "a", "versionId": "a"}
NOTE = {"type": "NoteCreate", "locationId": "loc", "id": "n1", "contactId": "c1", "body": "said"}


def test_flat_and_nested_say_the_same() -> None:
    flat = parse(orjson.dumps({**NOTE, **ENVELOPE}))
    inner = {name: NOTE[name] for name in ("id", "contactId", "body")}
    nested = parse(orjson.dumps({"type": "NoteCreate", "locationId": "loc", **ENVELOPE, "data": inner}))
    assert flat == nested
    assert (flat.location, flat.id, flat.contact, flat.webhook, flat.at_ms) == (
        "loc",
        "n1",
        "c1",
        "hook-1",
        1750834626225,
    )


def test_an_appointment_is_nested_once_more() -> None:
    hook = parse(
        orjson.dumps({"type": "AppointmentCreate", "locationId": "loc", "appointment": {"id": "a1", "contactId": "c"}})
    )
    assert (hook.id, hook.contact, hook.body) == ("a1", "c", {"id": "a1", "contactId": "c"})


def test_a_task_may_lack_its_contact() -> None:
    assert parse(orjson.dumps({"type": "TaskCreate", "locationId": "loc", "id": "t"})).contact is None


def test_an_installation_for_an_agency_concerns_no_location() -> None:
    """Its tokens come by the callback. Its end concerns every location that it gave access."""
    assert not parse(orjson.dumps({"type": "INSTALL", "companyId": "c"})).is_used
    assert not parse(orjson.dumps({"type": "UNINSTALL"})).is_used
    ended = parse(orjson.dumps({"type": "UNINSTALL", "companyId": "c", "appId": "a"}))
    assert (ended.is_used, ended.location, ended.company, ended.app) == (True, "", "c", "a")


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b'"x"', b"\xff\xfe", b"{", b"[" * 100_000, b'{"type":' * 50_000, b"NaN", b"\x00"],
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(WebhookNotJson):
        parse(raw)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": 7},
        {"type": "NoteCreate"},
        {**NOTE, "id": ""},
        {**NOTE, "id": {"a": 1}},
        {**NOTE, "locationId": "x" * 200},
    ],
)
def test_unknown_shapes_are_told_without_their_content(payload: dict[str, Any]) -> None:
    with pytest.raises(UnknownWebhookShape) as refused:
        parse(orjson.dumps(payload))
    assert "said" not in str(refused.value)


@pytest.mark.parametrize(
    ("levels", "kind"),
    [(45, UnknownWebhookShape), (100, WebhookNotJson), (1500, WebhookNotJson), (200_000, WebhookNotJson)],
)
def test_a_payload_that_is_nested_too_deep_is_refused(levels: int, kind: type[Exception]) -> None:
    body = orjson.dumps({**NOTE, "body": 0}).replace(b'"body":0', b'"body":' + b'{"a":' * levels + b"1" + b"}" * levels)
    with pytest.raises(kind, match="nested"):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(sorted(USED)) | JSON},
        optional=dict.fromkeys(
            ("locationId", "id", "contactId", "timestamp", "webhookId", "data", "appointment", "body"), JSON
        ),
    )
)
def test_whatever_comes_is_refused_or_can_travel(payload: dict[str, Any]) -> None:
    raw = orjson.dumps(payload)
    try:
        hook = parse(raw)
    except (WebhookNotJson, UnknownWebhookShape):
        return
    if hook.is_used:
        event = event_of(hook, hook.at_ms or 0, 1)
        assert GhlEvent.from_bytes(event.to_bytes()) == event


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    try:
        parse(raw)
    except (WebhookNotJson, UnknownWebhookShape):
        return
