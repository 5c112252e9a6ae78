"""How the people of one connection write numbers and days, and whose day and hour it is.

A region says where telephone numbers are at home; its usual locale and time zone are the defaults of both settings.
The tables follow Unicode's CLDR and the tz database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_POINT = frozenset(["en", "he", "hi", "ja", "ko", "ms", "ta", "te", "th", "tl", "ur", "zh"])
_COMMA = frozenset(
    [
        "af",
        "bg",
        "bs",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "es",
        "et",
        "eu",
        "fi",
        "fr",
        "gl",
        "hr",
        "hu",
        "hy",
        "id",
        "is",
        "it",
        "ka",
        "kk",
        "lt",
        "lv",
        "mk",
        "nb",
        "nl",
        "nn",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sq",
        "sr",
        "sv",
        "tr",
        "uk",
        "vi",
    ]
)
_KNOWN = _POINT | _COMMA
_OTHERWISE: Mapping[str, str] = {  # where the region writes otherwise than its language
    **dict.fromkeys(("de-CH", "de-LI", "it-CH"), "."),
    **{f"es-{region}": "." for region in ["DO", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "SV", "US"]},
    "en-ZA": ",",
}
_MONTH_FIRST = frozenset(["AS", "CA", "CN", "FM", "GU", "JP", "KR", "MH", "MP", "PH", "PR", "PW", "TW", "US", "VI"])
"""Regions that write a day as 4/30/2026, or begin with the year."""

_LANGUAGES: Mapping[str, str] = dict(
    pair.split("=")
    for pair in """
    AT=de CH=de DE=de LI=de FR=fr LU=fr MC=fr IT=it PT=pt AO=pt BR=pt MZ=pt BE=nl NL=nl
    AR=es BO=es CL=es CO=es CR=es DO=es EC=es ES=es GT=es HN=es MX=es NI=es PA=es PE=es PY=es SV=es UY=es VE=es
    AL=sq BA=bs BG=bg CY=el CZ=cs DK=da EE=et FI=fi GR=el HR=hr HU=hu IS=is LT=lt LV=lv MD=ro MK=mk NO=nb PL=pl
    RO=ro RS=sr SE=sv SI=sl SK=sk TR=tr UA=uk BY=ru RU=ru KZ=kk
    CN=zh HK=zh TW=zh ID=id IL=he JP=ja KR=ko TH=th VN=vi
    """.split()  # noqa: SIM905  # a table, a region a line, would hide what belongs together
)

_ZONES: Mapping[str, str] = dict(  # of a region with several, that of most of its people
    pair.split("=")
    for pair in """
    US=America/New_York CA=America/Toronto MX=America/Mexico_City PR=America/Puerto_Rico BS=America/Nassau JM=America/Jamaica
    DO=America/Santo_Domingo CR=America/Costa_Rica PA=America/Panama CO=America/Bogota PE=America/Lima CL=America/Santiago
    AR=America/Argentina/Buenos_Aires BR=America/Sao_Paulo
    GB=Europe/London IE=Europe/Dublin DE=Europe/Berlin AT=Europe/Vienna CH=Europe/Zurich FR=Europe/Paris ES=Europe/Madrid
    PT=Europe/Lisbon IT=Europe/Rome NL=Europe/Amsterdam BE=Europe/Brussels LU=Europe/Luxembourg DK=Europe/Copenhagen
    SE=Europe/Stockholm NO=Europe/Oslo FI=Europe/Helsinki IS=Atlantic/Reykjavik PL=Europe/Warsaw CZ=Europe/Prague
    SK=Europe/Bratislava SI=Europe/Ljubljana HR=Europe/Zagreb RS=Europe/Belgrade HU=Europe/Budapest RO=Europe/Bucharest
    BG=Europe/Sofia GR=Europe/Athens CY=Asia/Nicosia MT=Europe/Malta EE=Europe/Tallinn LV=Europe/Riga LT=Europe/Vilnius
    UA=Europe/Kyiv TR=Europe/Istanbul IL=Asia/Jerusalem AE=Asia/Dubai ZA=Africa/Johannesburg
    IN=Asia/Kolkata SG=Asia/Singapore HK=Asia/Hong_Kong CN=Asia/Shanghai TW=Asia/Taipei JP=Asia/Tokyo KR=Asia/Seoul
    TH=Asia/Bangkok VN=Asia/Ho_Chi_Minh PH=Asia/Manila AU=Australia/Sydney NZ=Pacific/Auckland
    """.split()  # noqa: SIM905  # as a list of texts it would be eighty lines
)


@dataclass(frozen=True, slots=True)
class Locale:
    """`decimal` is the sign before decimals, `is_day_first` says that 3/4 is the third of April; `zone` is whose day counts."""

    decimal: str = "."
    is_day_first: bool = False
    zone: tzinfo = UTC


PLAIN = Locale()
"""Numbers and days as in the United States, times in UTC."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One value being read: where telephone numbers are at home, how people write there, and `notes`.

    `notes` gather, in words, what of the value was left out.
    """

    region: str = "US"
    locale: Locale = PLAIN
    notes: list[str] = field(default_factory=list)


def locale_of(region: str, written: str = "", time_zone: str = "") -> Locale:
    """The locale of a connection. Raises `ValueError` for a locale or a time zone that is not known; the text says what is."""
    tag = written or default_locale(region)
    language, _, of_region = tag.partition("-")
    if language not in _KNOWN or not re.fullmatch("[a-z]{2,3}(-[A-Z]{2})?", tag):
        raise ValueError("a language, or a language and a region, such as en-US or de-DE")
    decimal = _OTHERWISE.get(tag, "." if language in _POINT else ",")
    is_day_first = (of_region or region) not in _MONTH_FIRST
    zone = zone_named(time_zone or default_zone(region))
    if zone is None:
        raise ValueError("a time zone of the tz database, such as America/Chicago")
    return Locale(decimal, is_day_first, zone)


def default_locale(region: str) -> str:
    """The locale of most people of a region."""
    return f"{_LANGUAGES.get(region, 'en')}-{region}"


def default_zone(region: str) -> str:
    """The time zone of most people of a region, UTC where the table does not know it."""
    return _ZONES.get(region, "UTC")


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo | None:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a name that is none, or that of a folder
        return None


_NAME = re.compile(r"[A-Za-z]+(?:[/_+-][A-Za-z0-9]+){0,5}")


def zone_named(name: Any) -> tzinfo | None:
    """A time zone of the tz database by its name, None if there is none."""
    return _zone(name) if isinstance(name, str) and len(name) <= 40 and _NAME.fullmatch(name) else None


def zone_of(state: Mapping[str, Any], locale: Locale) -> tzinfo:
    """The time zone of what Lofty sent: its own (`timeZoneCode`, which tasks have), else the connection's."""
    return zone_named(state.get("timeZoneCode")) or locale.zone


def local(state: Mapping[str, Any], locale: Locale) -> Locale:
    """The connection's locale with the time zone of what Lofty sent."""
    zone = zone_of(state, locale)
    return locale if zone is locale.zone else Locale(locale.decimal, locale.is_day_first, zone)
