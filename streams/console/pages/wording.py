"""Numbers, lengths of time and moments as a person reads them. Pure: `now_ms` and the zone are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo

from streams.core.moments import utc

NARROW = "\u202f"
"""A narrow space that does not break: it is used between groups of digits, and before units."""

_AWAITED = {
    "reads Lofty's members first": "Lofty's list of agents",
    "reads GHL's fields and users first": "GHL's list of fields and users",
}
_STEPS = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment in four forms: for machines, exact in UTC, as the reader's clock shows it, and how long ago."""

    machine: str
    utc: str
    local: str
    ago: str


def grouped(number: float) -> str:
    """`1234567` → `1 234 567`; below a hundred with one decimal where there is one."""
    if isinstance(number, float) and not number.is_integer() and abs(number) < 100:
        return f"{number:.1f}"
    return f"{round(number):,}".replace(",", NARROW)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 lead`, `2 leads`. `many` where it is not `one` and an s."""
    return f"{grouped(number)} {one if number == 1 else many or one + 's'}"


def length(seconds: float) -> str:
    """The two greatest units of a length of time: `45 s`, `3 min`, `2 h 5 min`, `4 days 3 h`."""
    left = max(0, round(seconds))
    if left == 0:
        return "0 s" if seconds <= 0 else "under 1 s"
    words: list[str] = []
    for size, unit in _STEPS:
        number, left = divmod(left, size)
        if number:
            words.append(counted(number, "day") if unit == "day" else f"{number} {unit}")
        elif words:
            break
        if len(words) == 2 or (unit == "min" and number >= 10):
            break
    return " ".join(words)


def moment(at_ms: int, now_ms: int, zone: tzinfo = UTC) -> Moment:
    """A moment as it is shown at `now_ms` to somebody in `zone`."""
    at = utc(at_ms)
    here, today = at.astimezone(zone), utc(now_ms).astimezone(zone)
    clock = f"{here:%H:%M:%S}"
    if here.date() != today.date():
        day = f"{here.day} {here:%b}" + ("" if here.year == today.year else f" {here.year}")
        clock = f"{day}, {here:%H:%M}"
    if zone is UTC:
        clock += " UTC"
    thousandths = f"{at:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"
    return Moment(at.isoformat(timespec="milliseconds"), f"{thousandths} UTC", clock, _ago(at_ms, now_ms))


def day(at_ms: int, now_ms: int, zone: tzinfo = UTC) -> str:
    """The day of a moment: `Today`, `Yesterday`, `Monday, 3 March`, with the year where it is another."""
    here = utc(at_ms).astimezone(zone)
    today = utc(now_ms).astimezone(zone)
    if here.date() == today.date():
        return "Today"
    if here.date() == (today - timedelta(days=1)).date():
        return "Yesterday"
    return f"{here:%A}, {here.day} {here:%B}" + ("" if here.year == today.year else f" {here.year}")


def _ago(at_ms: int, now_ms: int) -> str:
    seconds = (now_ms - at_ms) / 1000
    if abs(seconds) < 2:
        return "just now"
    if seconds < 0:
        return f"in {length(-seconds)}"
    return f"{length(seconds) if seconds < 3600 * 48 else length(seconds // 86_400 * 86_400)} ago"


def awaited(hold: str) -> str:
    """What a connection waits for that its worker holds back for this reason."""
    return _AWAITED.get(hold, hold)


def sentence(words: str) -> str:
    """The same with a capital first letter."""
    return f"{words[:1].upper()}{words[1:]}"
