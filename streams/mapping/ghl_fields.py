"""What of a GHL contact a mapping may fill: the standard fields, the kinds of custom fields, and what is kept from it.

The standard fields are those that both `POST /contacts/` and `PUT /contacts/:id` take, by GHL's OpenAPI document.
"""

from __future__ import annotations

import re
from typing import Any

from streams.mapping import values as readable
from streams.mapping.steps import Step, as_text
from streams.mapping.values import UnreadableValue

STANDARD: dict[str, str] = {
    "firstName": "first name",
    "lastName": "last name",
    "name": "full name; GHL makes it from first and last name by itself",
    "email": "primary e-mail address",
    "phone": "primary phone, E.164",
    "address1": "street address",
    "city": "city",
    "state": "state or province",
    "postalCode": "ZIP or postal code",
    "country": "country, two letters",
    "website": "web site",
    "timezone": "IANA time zone",
    "source": "where the contact came from",
    "dateOfBirth": "date of birth, YYYY-MM-DD",
}

ASSIGNED_TO = "assignedTo"
"""Filled with an e-mail address of a GHL user; the planner finds the user's id."""

KEPT_BACK: dict[str, str] = {
    "tags": "tags have their own rules: [connections.NAME.tags]",
    "customFields": 'write "custom:Name of the field" instead',
    "dnd": "opt-outs are carried by themselves, and never lifted (opt_outs in [connections.NAME])",
    "dndSettings": "opt-outs are carried by themselves, and never lifted (opt_outs in [connections.NAME])",
    "inboundDndSettings": "opt-outs are carried by themselves, and never lifted (opt_outs in [connections.NAME])",
    "gender": "GHL refuses it on update (422): use a custom field",
    "companyName": "GHL does not take it on update: use a custom field",
    "additionalEmails": "GHL lets nobody write it (422)",
    "additionalPhones": "GHL lets nobody write it (422)",
    "locationId": "the connection says it",
    "createNewIfDuplicateAllowed": "it would create a second contact",
    "id": "GHL gives it",
}

OTHER_NAMES: dict[str, str] = {
    "zip": "postalCode",
    "zipcode": "postalCode",
    "zip_code": "postalCode",
    "postcode": "postalCode",
    "address": "address1",
    "street": "address1",
    "streetaddress": "address1",
    "birthday": "dateOfBirth",
    "birthdate": "dateOfBirth",
    "dob": "dateOfBirth",
    "mobile": "phone",
    "emails": "email",
    "phones": "phone",
    "owner": ASSIGNED_TO,
    "agent": ASSIGNED_TO,
    "leadsource": "source",
}

CUSTOM_TYPES: dict[str, str] = {
    "TEXT": "one line",
    "LARGE_TEXT": "several lines",
    "NUMERICAL": "a number",
    "MONETORY": "an amount of money (GHL's spelling)",
    "PHONE": "a phone number",
    "DATE": "a date",
    "SINGLE_OPTIONS": "one of its options",
    "RADIO": "one of its options",
    "MULTIPLE_OPTIONS": "some of its options",
    "CHECKBOX": "some of its options",
}


COUNTRIES: dict[str, str] = {
    "USA": "US",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
    "CANADA": "CA",
    "UK": "GB",
}
"""How people write the countries that Lofty serves."""


def custom_key(reference: str) -> str:
    """The key that GHL derives from a custom field's name; a name and its key give the same. `contact.` is left out."""
    return re.sub(r"[^a-z0-9]+", "_", reference.lower().removeprefix("contact.")).strip("_")


def settle(kind: str) -> Step:
    """The last step of every field: the value as GHL takes it for a field of this kind. Raises `UnreadableValue`.

    `kind` is a standard field's name or a custom field's type.
    """
    return _SETTLERS.get(kind, _text)


def _text(value: Any, region: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        value = ", ".join(as_text(element) for element in value if element is not None)
    return clean(as_text(value)).strip() or None


_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\n\r\t"}


def clean(text: str) -> str:
    """Text that JSON and GHL carry: no lone surrogates, no control characters but line ends and tabs."""
    if text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode("utf-8").translate(_CONTROLS)


def _one(read: Any) -> Step:
    def step(value: Any, region: str) -> Any:
        if isinstance(value, list):
            value = value[0] if value else None
        return None if value is None else read(value, region)

    return step


def _country(value: Any, region: str) -> str:
    text = as_text(value).strip().upper().replace(".", "")
    text = COUNTRIES.get(text, text)
    if text not in readable.REGIONS:
        raise UnreadableValue(value, "a country's two letters")
    return text


def _options(value: Any, region: str) -> list[str] | None:
    if value is None:
        return None
    elements = value if isinstance(value, list) else [value]
    return [clean(as_text(element)).strip() for element in elements if element is not None] or None


_number = _one(lambda value, region: readable.read_number(value))
_date = _one(lambda value, region: readable.read_date(value))
_phone = _one(readable.read_phone)
_SETTLERS: dict[str, Step] = {
    "email": _one(lambda value, region: readable.read_email(value)),
    ASSIGNED_TO: _one(lambda value, region: readable.read_email(value)),
    "phone": _phone,
    "PHONE": _phone,
    "dateOfBirth": _date,
    "DATE": _date,
    "country": _one(_country),
    "NUMERICAL": _number,
    "MONETORY": _number,
    "MULTIPLE_OPTIONS": _options,
    "CHECKBOX": _options,
}
