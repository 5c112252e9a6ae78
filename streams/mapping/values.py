"""Telephone numbers, e-mail addresses, dates and numbers as people type them, read into the form that GHL takes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from math import isfinite
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)


class UnreadableValue(ValueError):
    """A value that cannot be read as what it should be. `str` says why, with the value shortened."""

    def __init__(self, value: object, expected: str) -> None:
        super().__init__(f"{_glimpse(value)} cannot be read as {expected}")


def _glimpse(value: object) -> str:
    """A value as a flag shows it: short, whatever it is."""
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge number"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 40 else text[:37] + "..."


def identity(value: Any) -> str | None:
    """A vendor's id as text, from a number or a text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 128:
        return str(value)
    if isinstance(value, str) and _ID.fullmatch(value.strip()):
        return value.strip()
    return None


def read_phone(value: Any, region: str) -> str:
    """A telephone number in E.164. Raises `UnreadableValue`.

    GHL parses with Google's libphonenumber and refuses the whole contact when that fails, so we parse first.
    Possible numbers pass, valid or not: numbering plans change faster than libraries.
    """
    text = value if isinstance(value, str) else identity(value) or ""
    number = _e164(text.strip(), region)
    if number is None:
        raise UnreadableValue(value, f"a phone number of {region}")
    return number


@lru_cache(maxsize=8192)
def _e164(text: str, region: str) -> str | None:
    for candidate in (text, _as_international(text)):
        if not candidate:
            continue
        try:
            number = phonenumbers.parse(candidate, region)
        except NumberParseException:
            continue
        is_guess = candidate is not text
        if phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE and (
            not is_guess or phonenumbers.is_valid_number(number)
        ):
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return None


def _as_international(text: str) -> str | None:
    """`447911123456` with its plus sign, which many imports lose."""
    digits = re.sub(r"\D", "", text)
    return f"+{digits}" if 11 <= len(digits) <= 15 and not text.startswith("+") else None


_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+"
)


def read_email(value: Any) -> str:
    """An e-mail address in lower case. Raises `UnreadableValue`: GHL answers an invalid one with a 4xx."""
    if isinstance(value, str):
        text = value.strip().lower().removeprefix("mailto:")
        local = text.partition("@")[0]
        is_dotted_badly = local.startswith(".") or local.endswith(".") or ".." in local
        if len(text) <= 254 and not is_dotted_badly and _EMAIL.fullmatch(text):
            return text
    raise UnreadableValue(value, "an e-mail address")


def read_number(value: Any) -> int | float:
    """A number, also from texts such as `$1,250.50` and `3.5 %`. Raises `UnreadableValue`."""
    if isinstance(value, str):
        text = value.strip().lstrip("$€£").rstrip("%").replace(",", "").replace("_", "x").strip()
        try:
            number: int | float = float(text)
        except ValueError:
            raise UnreadableValue(value, "a number") from None
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    else:
        raise UnreadableValue(value, "a number")
    if isinstance(number, float) and not isfinite(number):
        raise UnreadableValue(value, "a number")
    if abs(number) > 2**53:
        raise UnreadableValue(value, "a number that JSON can carry")
    return int(number) if number == int(number) else number


_DATE_FORMATS = ("%b %d, %Y", "%B %d, %Y", "%m/%d/%Y", "%Y/%m/%d", "%m-%d-%Y", "%Y-%m-%dT%H:%M:%S")


def read_date(value: Any) -> str:
    """A date as YYYY-MM-DD, from every form in which Lofty writes times and dates. Raises `UnreadableValue`.

    Times count in UTC. Lofty writes epoch milliseconds, `2026-04-30T17:33:32GMT`, ISO 8601, `yyyy-MM-dd HH:mm:ss` (UTC)
    and, for birthdays, `MMM d, yyyy`; people also type 4/30/2026.
    """
    return _as_date(value).isoformat()


def read_instant(value: Any) -> str:
    """A time as `YYYY-MM-DDTHH:MM:SSZ`, from the same forms. Raises `UnreadableValue`."""
    return _as_datetime(value).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_date(value: Any) -> date:
    return _as_datetime(value).date()


def _as_datetime(value: Any) -> datetime:
    try:
        found = _parse(value)
        if found is not None and found.year >= 1000:
            return found
    except (ValueError, OverflowError, OSError):
        pass
    raise UnreadableValue(value, "a date")


def _parse(value: Any) -> datetime | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, UTC) if abs(value) >= 10_000_000 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) >= 12:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if text.endswith("GMT"):
        text = text[:-3].rstrip() + "+00:00"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _by_format(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _by_format(text: str) -> datetime:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise UnreadableValue(text, "a date")
