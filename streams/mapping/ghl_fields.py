"""What of a GHL contact a mapping may fill: the standard fields, the kinds of custom fields, and what is kept from it.

The standard fields are those that both `POST /contacts/` and `PUT /contacts/:id` take, by GHL's OpenAPI document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from streams.mapping import values as readable
from streams.mapping.locale import Reading
from streams.mapping.steps import Step, as_list, as_text, note_more, options_in
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
    """What a custom field's name and its key have in common: names with the same are one field. `contact.` is left out.

    GHL derives a key from the small letters and digits of a name, and puts `_` for the rest. Letters of other alphabets are kept
    here, and a name without any letter is its own key, so that no two names become one unless GHL could take them for one.
    """
    name = unicodedata.normalize("NFKC", clean(reference)).lower().removeprefix("contact.").strip()
    key = "".join(sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else "_" for sign in name)
    return re.sub("_+", "_", key).strip("_") or name


def settle(kind: str, options: tuple[str, ...] = ()) -> Step:
    """The last step of every field: the value as GHL takes it for a field of this kind. Raises `UnreadableValue`.

    `kind` is a standard field's name or a custom field's type; `options` are those that the mapping knows of.
    """
    if kind in SEVERAL:
        known = frozenset(options)
        return lambda value, reading: _several(value, known)
    return _SETTLERS.get(kind, _text)


def _text(value: Any, reading: Reading) -> str | None:
    if value is None:
        return None
    text = ", ".join(as_text(one) for one in value if one is not None) if isinstance(value, list) else as_text(value)
    found = clean(text).strip()
    if text.strip() and not found:
        raise UnreadableValue(value, "text")
    return found or None


_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\n\r\t"}


def clean(text: str) -> str:
    """Text that JSON and GHL carry: no lone surrogates, no control characters but line ends and tabs."""
    if text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode("utf-8").translate(_CONTROLS)


def _one(read: Callable[[Any, Reading], Any]) -> Step:
    """The first value that can be read; a field that takes one takes no list."""

    def step(value: Any, reading: Reading) -> Any:
        if isinstance(value, list):
            given = [one for one in value if one is not None]
            note_more(reading, len(given) - 1)
            value = given[0] if given else None
        return None if value is None else read(value, reading)

    return step


def _country(value: Any, reading: Reading) -> str:
    text = as_text(value).strip().upper().replace(".", "")
    text = COUNTRIES.get(text, text)
    if text not in readable.REGIONS:
        raise UnreadableValue(value, "a country's two letters")
    return text


def _several(value: Any, options: frozenset[str]) -> list[str] | None:
    if value is None:
        return None
    elements = value if isinstance(value, list) else [value]
    if isinstance(value, str):
        elements = _typed_list(clean(value), options)
    found = [text for one in elements if one is not None and (text := clean(as_text(one)).strip())]
    if elements and not found and any(one is not None for one in elements):
        raise UnreadableValue(value, "one of several values")
    return found or None


def _typed_list(text: str, options: frozenset[str]) -> list[Any]:
    try:
        elements = as_list(text)
    except UnreadableValue:
        elements = [text]
    if elements != [text]:
        return list(elements)
    return options_in(text, options, max((one.count(",") for one in options), default=0)) or [text]


SEVERAL = frozenset({"MULTIPLE_OPTIONS", "CHECKBOX"})
"""The types of custom fields that hold several values."""

_number = _one(lambda value, reading: readable.read_number(value, reading.locale))
_date = _one(lambda value, reading: readable.read_date(value, reading.locale))
_phone = _one(lambda value, reading: readable.read_phone(value, reading.region))
_email = _one(lambda value, reading: readable.read_email(value))
_SETTLERS: dict[str, Step] = {
    "email": _email,
    ASSIGNED_TO: _email,
    "phone": _phone,
    "PHONE": _phone,
    "dateOfBirth": _date,
    "DATE": _date,
    "country": _one(_country),
    "NUMERICAL": _number,
    "MONETORY": _number,
}
