"""What the demo prints at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.demo.account import Account
from streams.words import Receipt


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything that was counted."""

    seconds: float
    pings_told: int
    deliveries: int
    lofty: dict[str, Any]
    ghl: dict[str, Any]
    receipts: list[Receipt]
    parked: Counter[str]
    duplicates_dropped: int


def print_report(console: Console, account: Account, tally: Tally) -> None:
    """The table, and everything that is wrong."""
    outcomes = Counter(one.outcome for one in tally.receipts)
    table = Table(title=f"a busy morning, in {tally.seconds:.0f} seconds", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    table.add_row("changes told by Lofty", _number(tally.pings_told), f"in {tally.deliveries} webhook deliveries")
    table.add_row("  dropped as duplicates", _number(tally.duplicates_dropped), "repeated or late pings")
    table.add_row("in GHL: contacts", _number(account.leads), "leads that are not deleted")
    table.add_row("in GHL: notes / tasks", f"{account.notes} / {account.tasks}", "")
    table.add_row("writes applied", _number(outcomes["applied"]), "requests that changed something in GHL")
    table.add_row("skipped as unchanged", _number(outcomes["unchanged"]), "read again, and nothing of ours differed")
    table.add_row("parked", _number(sum(tally.parked.values())), ", ".join(f"{v} {k}" for k, v in tally.parked.items()))
    table.add_row("flagged values", _number(len(account.flags)), "left out, the rest of the contact written")
    reads, writes = tally.lofty["requests"], tally.ghl["requests"]
    table.add_row("requests to Lofty / GHL", f"{reads} / {writes}", _ratio(reads + writes, tally.pings_told))
    table.add_row("  429s from GHL", _number(tally.ghl["throttled"]), "ten of them ordered as a fault")
    table.add_row("change accepted to GHL", _latency(tally.receipts), "p50 / p99; waiting for the rate limit counts")
    table.add_row("fields compared", _number(account.fields_compared), "GHL against Lofty through the mapping")
    for name, wrong in (("lost", account.lost), ("double", account.double), ("different", account.different)):
        table.add_row(name, f"[{'red' if wrong else 'green'}]{len(wrong)}[/]", "")
    console.print(table)
    for line in (*account.lost, *account.double, *account.different)[:20]:
        console.print(f"  [red]{line}[/]", highlight=False)
    verdict = "GHL holds what Lofty says: nothing lost, nothing double, nothing different."
    console.print(f"[green]{verdict}[/]" if account.is_right else "[red]GHL does not hold what it should.[/]")


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _ratio(requests: int, changes: int) -> str:
    return f"{requests / max(1, changes):.2f} a change; one read and one write each would be 2.00"


def _latency(receipts: list[Receipt]) -> str:
    waits = [
        one.at_ms - one.accepted_ms for one in receipts if one.outcome == "applied" and one.settled and one.accepted_ms
    ]
    if len(waits) < 2:
        return "-"
    cuts = quantiles(waits, n=100)
    return f"{cuts[49] / 1000:.2f} s / {cuts[98] / 1000:.2f} s"
