"""The result of a check: one line, and the command that fixes what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong", "away", "not looked at"]
"""`away`: Kafka or a vendor does not answer. `not looked at`: the check needs something that is away, or took too long."""

CLOCK_SECONDS = 1.0
"""How far clocks may differ: the workers' leases and quotas depend on it."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the report: the `subject` that was checked, and the command or the setting that fixes it.

    `connection` is the id of the one that it is about; empty where it is about the deployment.
    """

    check: str
    subject: str
    level: Level
    says: str
    mend: str = ""
    connection: str = ""


def exit_code(results: Iterable[CheckResult]) -> int:
    """3 where Kafka or a vendor is away, 1 where anything is wrong or was not checked, otherwise 0."""
    levels = {one.level for one in results}
    if "away" in levels:
        return 3
    return 1 if levels & {"wrong", "not looked at"} else 0


def compare_clocks(whose: str, ahead_least: float, ahead_most: float) -> CheckResult:
    """Compare this machine's clock with another: ours is `ahead_least` to `ahead_most` seconds ahead."""
    mend = "enable time synchronisation here (timedatectl set-ntp true, or chrony)"
    if ahead_least > CLOCK_SECONDS:
        return CheckResult(
            "clock", whose, "wrong", f"our clock is at least {ahead_least:.1f} s ahead of {whose}'s", mend
        )
    if ahead_most < -CLOCK_SECONDS:
        return CheckResult("clock", whose, "wrong", f"our clock is at least {-ahead_most:.1f} s behind {whose}'s", mend)
    return CheckResult("clock", whose, "ok", f"agrees with {whose}'s to a second or two")
