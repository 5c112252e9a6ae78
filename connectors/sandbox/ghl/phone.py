"""Phone numbers, read as GHL reads them: by libphonenumber, with its own texts, and no punctuation."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from connectors.sandbox.ghl.refusals import GhlRefusal

_TEXTS = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: "Invalid country calling code",
    phonenumbers.NumberParseException.NOT_A_NUMBER: "The string supplied did not seem to be a phone number",
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: "Phone number too short after IDD",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "The string supplied is too short to be a phone number",
    phonenumbers.NumberParseException.TOO_LONG: "The string supplied is too long to be a phone number",
}


def e164(text: str, region: str) -> str:
    """The number as GHL keeps it. Raises GHL's 400 for what it cannot read, `+91-9876543210` too, as was measured.

    Raises a 422 for a number that is possible and that nobody can have; its words are a guess.
    """
    number, status, problem = _read(text, region)
    if problem:
        raise GhlRefusal(status, problem if status == 400 else [problem])
    return number


@lru_cache(maxsize=65536)
def _read(text: str, region: str) -> tuple[str, int, str]:
    if not re.fullmatch(r"\+?\d+", text):
        return "", 400, _TEXTS[phonenumbers.NumberParseException.NOT_A_NUMBER]
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        return "", 400, _TEXTS[error.error_type]
    if phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.TOO_LONG:
        return "", 400, _TEXTS[phonenumbers.NumberParseException.TOO_LONG]
    if not phonenumbers.is_valid_number(number):
        return "", 422, "phone must be a valid phone number"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), 0, ""
