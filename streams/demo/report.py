"""What the demo prints at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.demo.comparison import Comparison
from streams.demo.percentiles import percentile
from streams.messages import Receipt


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """Everything that was counted."""

    first_seconds: float
    second_seconds: float
    second_began_ms: int
    pings_told: int
    deliveries: int
    lofty: dict[str, Any]
    ghl: dict[str, Any]
    receipts: list[Receipt]
    parked: Counter[str]
    duplicates_dropped: int


def print_report(console: Console, comparison: Comparison, summary: DemoSummary) -> None:
    """The table, and everything that is wrong."""
    outcomes = Counter(one.outcome for one in summary.receipts)
    table = Table(title="what happened", show_header=False, title_justify="left", width=min(console.width, 110))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    table.add_row(
        "changes reported by Lofty", _number(summary.pings_told), f"in {summary.deliveries} webhook deliveries"
    )
    table.add_row("  dropped by dedupe", _number(summary.duplicates_dropped), "reported twice, or late")
    table.add_row("in GHL: contacts", _number(comparison.leads), "one for each lead that is not deleted")
    table.add_row("in GHL: notes, tasks", f"{comparison.notes}, {comparison.tasks}", "")
    table.add_row("writes applied", _number(outcomes["applied"]), "requests that changed something in GHL")
    table.add_row("skipped as unchanged", _number(outcomes["unchanged"]), "read, and no mapped field differed")
    table.add_row("parked", _number(sum(summary.parked.values())), _named(summary.parked))
    table.add_row("flagged values", _number(len(comparison.flags)), "left out; the rest of the contact is written")
    reads, writes = summary.lofty["requests"], summary.ghl["requests"]
    table.add_row("requests to Lofty, GHL", f"{reads}, {writes}", _ratio(reads + writes, summary.pings_told))
    table.add_row(
        "429s from GHL", _number(summary.ghl["throttled"]), "ordered as a fault, as were 5xx and dropped calls"
    )
    table.add_row(
        "first sync", f"{summary.first_seconds:.1f} s", "of everything, at GHL's rate limit in scaled time (5x)"
    )
    table.add_row("the morning's edits", f"{summary.second_seconds:.1f} s", "bursts and faults, until nothing moves")
    table.add_row("  accepted to in GHL", _latency(summary), "p50, p99; waiting for the rate limit included")
    table.add_row("fields compared", _number(comparison.fields_compared), "GHL against Lofty, through the mapping")
    for name, wrong in (("lost", comparison.lost), ("double", comparison.double), ("different", comparison.different)):
        table.add_row(name, f"[{'red' if wrong else 'green'}]{len(wrong)}[/]", "")
    console.print(table)
    for line in (*comparison.lost, *comparison.double, *comparison.different)[:20]:
        console.print(f"  [red]{line}[/]", highlight=False)
    verdict = "GHL holds what Lofty says: nothing lost, nothing double, nothing different."
    console.print(f"[green]{verdict}[/]" if comparison.is_right else "[red]GHL does not hold what it should.[/]")


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _ratio(requests: int, changes: int) -> str:
    return f"{requests / max(1, changes):.2f} a change; one read and one write each would be 2.00"


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _latency(summary: DemoSummary) -> str:
    waits = [
        one.at_ms - one.accepted_ms
        for one in summary.receipts
        if one.outcome == "applied" and one.settled and one.accepted_ms and one.accepted_ms >= summary.second_began_ms
    ]
    if not waits:
        return "-"
    return f"{percentile(waits, 50) / 1000:.2f} s, {percentile(waits, 99) / 1000:.2f} s"
