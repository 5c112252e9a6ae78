"""Where GHL's OpenAPI documents are wrong or silent, and how we know. Each is needed: a test sees to it."""

from __future__ import annotations

from tests.contract.faults import Excuse

_VALUE = "a value has the type of its field; the document's own examples for writing hold numbers, lists and objects"
_TIME = "typed as an object, with an ISO 8601 text as its example"
_DUPLICATE = "captured on the live API by many: which opportunity the contact has in the pipeline"
_SILENT = "the document knows no such status, though its own guide describes it"

EXCUSES: tuple[Excuse, ...] = (
    # -- what we send -----------------------------------------------------------------------------------------
    Excuse(
        "create-contact",
        "request",
        "body.customFields[]",
        "anyOf",
        "NumericField.field_value is typed as an object, with 100.5 as its example",
    ),
    Excuse(
        "*-contact",
        "request",
        "body.dateOfBirth",
        "type",
        "typed as an object; its description lists text formats like MM/DD/YYYY",
    ),
    # -- what comes back --------------------------------------------------------------------------------------
    Excuse("*", "answer", "status.*.body.traceId", "undescribed", "the guide says: returned with every response"),
    Excuse("*", "answer", "status.20?.body.contact.customFields[].value", "type", _VALUE),
    Excuse("*", "answer", "status.200.body.contacts[].customFields[].value", "type", _VALUE),
    Excuse("get-appointment", "answer", "status.200.body.event.*Time", "type", _TIME),
    Excuse("get-appointment", "answer", "status.200.body.event.date*", "type", _TIME),
    Excuse("get-calendar-events", "answer", "status.200.body.events[].*Time", "type", _TIME),
    Excuse("get-calendar-events", "answer", "status.200.body.events[].date*", "type", _TIME),
    Excuse(
        "task-search",
        "answer",
        "status.200.body.tasks[]",
        "type",
        "typed as a list of lists, without a word on what is in them",
    ),
    Excuse(
        "create-association",
        "answer",
        "status.201.body.responses[]",
        "type",
        "typed as texts, with an object for each contact as its example",
    ),
    Excuse(
        "get-location-access-token",
        "answer",
        "status.201",
        "undescribed",
        "captured on the live API: 201, where the document says 200",
    ),
    Excuse(
        "get-pipelines",
        "answer",
        "status.200.body.pipelines[].stages[]",
        "type",
        "typed as a list of lists, without a word on what is in them; integrators read objects of id and name",
    ),
    # -- refusals ---------------------------------------------------------------------------------------------
    Excuse(
        "*", "answer", "status.400.body.error", "undescribed", "captured on the live API beside statusCode, message"
    ),
    Excuse(
        "*-contact", "answer", "status.400.body.meta", "undescribed", "captured on the live API: who is the duplicate"
    ),
    *(
        Excuse("create-opportunity", "answer", f"status.400.body.{name}", "undescribed", _DUPLICATE)
        for name in ("code", "meta")
    ),
    Excuse(
        "update-contact",
        "answer",
        "status.400.body.succeeded",
        "undescribed",
        "captured on the live API on a duplicate",
    ),
    Excuse(
        "get-access-token",
        "answer",
        "status.401.body.error_description",
        "undescribed",
        "captured on the live API, with error: UnAuthorized!",
    ),
    Excuse("*", "answer", "status.403", "undescribed", "captured on the live API: a token of another location"),
    Excuse("*", "answer", "status.429", "undescribed", _SILENT),
    Excuse("*", "answer", "status.50?", "undescribed", "no document names the failures of a server"),
)
