"""What a check says: one line, and the command that mends what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong", "away", "not looked at"]
"""`away`: Kafka or a vendor does not answer. `not looked at`: it needs something that is away, or took too long."""

CLOCK_SECONDS = 1.0
"""How far clocks may be apart: workers' lease and quota rest on it."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line. `subject` is what was looked at; `mend` is the command or the setting that mends it."""

    check: str
    subject: str
    level: Level
    says: str
    mend: str = ""


def exit_code(verdicts: Iterable[CheckResult]) -> int:
    """3 where Kafka or a vendor is away, else 1 where anything is wrong or could not be looked at, else 0."""
    levels = {one.level for one in verdicts}
    if "away" in levels:
        return 3
    return 1 if levels & {"wrong", "not looked at"} else 0


def clock_verdict(whose: str, ahead_least: float, ahead_most: float) -> CheckResult:
    """How this machine's clock stands to another's: it is ahead by `ahead_least` to `ahead_most` seconds."""
    mend = "switch on time synchronisation here (timedatectl set-ntp true, or chrony)"
    if ahead_least > CLOCK_SECONDS:
        return CheckResult(
            "clock", whose, "wrong", f"our clock is at least {ahead_least:.1f} s ahead of {whose}'s", mend
        )
    if ahead_most < -CLOCK_SECONDS:
        return CheckResult("clock", whose, "wrong", f"our clock is at least {-ahead_most:.1f} s behind {whose}'s", mend)
    return CheckResult("clock", whose, "ok", f"agrees with {whose}'s to a second or two")
