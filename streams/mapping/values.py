"""Telephone numbers, e-mail addresses, dates and numbers as people type them, read into the form that GHL takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, tzinfo
from functools import lru_cache
from math import isfinite
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from streams.mapping.locale import PLAIN, Locale

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)


class UnreadableValue(ValueError):
    """A value that cannot be read as what it should be. `str` says why, with the value shortened."""

    def __init__(self, value: object, expected: str) -> None:
        super().__init__(f"{glimpse(value)} cannot be read as {expected}")


def glimpse(value: object) -> str:
    """A value as a flag shows it: short and printable, whatever it is."""
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


_AROUND_NUMBERS = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_CURRENCY = re.compile(r"(?:[$€£¥₹₽₪₩₺₴]|US\$|CA\$|C\$|A\$|USD|CAD|EUR|GBP|CHF|AUD|MXN)", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?[eE][+-]?[0-9]{1,3}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:(?P<mark>[.,])[0-9]{3})(?:(?P=mark)[0-9]{3})*|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")
_WITH_DECIMALS = re.compile(r"(?P<whole>[0-9.,]*)(?P<mark>[.,])(?P<decimals>[0-9]+)")


def read_number(value: Any, locale: Locale = PLAIN) -> int | float:
    """A number, also from texts such as `$1,250.50`, `3.5 %` and `1.250,50 €`. Raises `UnreadableValue`.

    What can be read in one way is read so, whatever the locale: `1.234,56`, `12,5`, `1,234,567`.
    What can be read in two, as `1.234`, is read as the locale writes it. The rest is not guessed.
    """
    if isinstance(value, str):
        number = _number_of(value, locale.decimal)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    else:
        raise UnreadableValue(value, "a number")
    if isinstance(number, float) and not isfinite(number):
        raise UnreadableValue(value, "a number")
    if abs(number) > 2**53:
        raise UnreadableValue(value, "a number that JSON can carry")
    return int(number) if number == int(number) else number


def _number_of(value: str, decimal: str) -> float:
    text = _AROUND_NUMBERS.sub(" ", value).strip()
    sign = -1 if text[:1] in ("-", "\u2212") else 1
    text = text[1:].strip() if text[:1] in ("-", "\u2212", "+") else text
    text = _CURRENCY.sub("", text.rstrip("%").strip(), count=1).strip()
    if sign == 1 and text[:1] in ("-", "\u2212"):
        sign, text = -1, text[1:].strip()
    if _SCIENTIFIC.fullmatch(text):
        return sign * float(text)
    # Between the digits of a group stand blanks, apostrophes, points or commas.
    text = re.sub(r"(?<=[0-9])[ \u2019'](?=[0-9]{3}(?![0-9]))", "", text)
    digits = _plain_digits(text, decimal) if len(text) <= 40 else None
    if digits is None:
        raise UnreadableValue(value, "a number")
    return sign * float(digits)


def _plain_digits(text: str, decimal: str) -> str | None:
    """A number without groups, with a point before its decimals; None for what is none."""
    if text.isascii() and text.isdigit():
        return text
    grouped = _GROUPED.fullmatch(text)
    marks = {mark for mark in text if mark in ".,"}
    is_group = grouped is not None and not text.startswith("0")
    if is_group and (text.count(".") + text.count(",") > 1 or marks != {decimal}):
        return re.sub("[.,]", "", text)
    found = _WITH_DECIMALS.fullmatch(text)
    if found is None:
        return None
    whole, mark = found["whole"], found["mark"]
    if mark in whole or not (not whole or whole.isdigit() or (_GROUPED.fullmatch(whole) and whole[:1] != "0")):
        return None
    return f"{re.sub('[.,]', '', whole) or '0'}.{found['decimals']}"


_MONTHS = ("%b %d, %Y", "%B %d, %Y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y")
_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y")
_ALWAYS = ("%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d")


def read_date(value: Any, locale: Locale = PLAIN) -> str:
    """A date as YYYY-MM-DD, from every form in which Lofty writes times and dates. Raises `UnreadableValue`.

    A time is of the day that it is in the locale's zone. A time at midnight in UTC, to the millisecond, is a day that was stored
    as a time, as birthdays are: it stays that day.
    Lofty writes epoch milliseconds, `2026-04-30T17:33:32GMT`, ISO 8601, `yyyy-MM-dd HH:mm:ss` (UTC)
    and, for birthdays, `MMM d, yyyy`; people also type 4/30/2026 or 30.4.2026.
    """
    found = _as_datetime(value, locale)
    return (found if found.time() == time.min else _in_zone(found, locale.zone)).date().isoformat()


def read_instant(value: Any, locale: Locale = PLAIN) -> str:
    """A time as `YYYY-MM-DDTHH:MM:SSZ`, from the same forms. Raises `UnreadableValue`."""
    return _as_datetime(value, locale).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(value: Any, zone: tzinfo) -> str:
    """A time as people of a zone read it: `2026-04-22 05:15 CDT`. Raises `UnreadableValue`."""
    return _in_zone(_as_datetime(value, PLAIN), zone).strftime("%Y-%m-%d %H:%M %Z")


def _in_zone(at: datetime, zone: tzinfo) -> datetime:
    try:
        return at.astimezone(zone)
    except OverflowError:  # at the end of the last year, or at the beginning of the first
        return at


def _as_datetime(value: Any, locale: Locale) -> datetime:
    try:
        found = _parse(value, locale)
        if found is not None and found.year >= 1000:
            return found
    except (ValueError, OverflowError, OSError):
        pass
    raise UnreadableValue(value, "a date")


def _parse(value: Any, locale: Locale) -> datetime | None:
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
        found = _by_format(text, locale)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _by_format(text: str, locale: Locale) -> datetime:
    """A day as people type it. Where the day and the month could be exchanged, the locale decides."""
    own, other = (_DAY_FIRST, _MONTH_FIRST) if locale.is_day_first else (_MONTH_FIRST, _DAY_FIRST)
    for form in (*_MONTHS, *own, *_ALWAYS, *other):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise UnreadableValue(text, "a date")
