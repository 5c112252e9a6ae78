"""Shows a rehearsal in lines, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from streams.operations.rehearsal.report import Encounter, RehearsalReport

MOST_LINES = 20
"""Encounters, values and leads of each sort that are shown; `--json` has all."""


def lines(report: RehearsalReport) -> Iterator[str]:
    """The report in lines."""
    of = f" of {report.total}" if report.total not in (None, report.leads) else ""
    yield f"{report.connection}: {report.leads}{of} leads and {report.contacts} contacts were read; nothing was written"
    matching = ", ".join(f"{count} by {by}" for by, count in sorted(report.matching.items())) or "none"
    yield f"  new         {report.new}"
    yield f"  matching    {sum(report.matching.values())} ({matching}); {report.unchanged} hold all of it already"
    yield f"  shared      {report.shared} are the same person as another lead"
    yield f"  conflicting {report.conflicting}"
    yield f"  refused     {sum(report.refused.values())}" + _because(report.refused)
    for words, some in (("has", report.conflicts), ("is called as", report.alike)):
        yield from (f"  who is who  {_encounter(one, words)}" for one in some[:MOST_LINES])
    if report.new_fields:
        yield f"  new fields  {', '.join(one.name for one in report.new_fields)}"
    if report.new_tags:
        yield f"  new tags    {', '.join(report.new_tags)}"
    for words, count in [*report.left_out.items(), *report.unreadable.items()][:MOST_LINES]:
        yield f"  left out    {words} ({count} {'lead' if count == 1 else 'leads'})"
    effort = report.effort
    yield (
        f"  the import  {effort.lofty_requests} requests to Lofty and {effort.ghl_requests} to GHL: "
        f"{effort.hours:.1f} hours at the limits, by that of {effort.bound_by}"
    )
    yield from (f"  remark      {one}" for one in report.remarks)


def _because(refused: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} {why}' for why, count in refused.items())})" if refused else ""


def _encounter(one: Encounter, words: str) -> str:
    whose = f"lead {one.other_lead}" if one.other_lead else f"contact {one.other_contact}, no lead"
    what = f"the {one.field} {one.value} of" if words == "has" else ""
    return f"lead {one.lead} {one.name} {words} {what} {one.other_name} ({whose})".replace("  ", " ")
