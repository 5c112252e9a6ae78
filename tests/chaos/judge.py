"""The judge: from the record of a run to what was violated. Pure; the properties are numbered as in this folder's README.

It believes the sandboxes' ledgers (what really reached the vendors), what stands there at the end, and Kafka's topics.
A property that found nothing to examine is violated: a check that cannot fail says nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.ledger import Entry
from connectors.sandbox.window import Window
from streams.demo.account import Account, compare_location
from streams.mapping import LEAD_ID_FIELD, marker
from streams.settings import Settings
from streams.words import Parked, Receipt

VERSION = re.compile(r"\bv(\d{6})\b")
MARKER = re.compile(r"\[lofty-[a-z]+:[^\]]+\]")
CREATES = ("upsert-contact", "create-contact", "create-note", "create-task")
WRITES = re.compile(r"upsert|create|update|add-tags|remove-tags|delete")
SOLE_OWNER_GRACE_SECONDS = 0.25
"""A request that was sent just before its worker lost the lease may still be on its way when the next owner begins."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A worker that was frozen from `at` until `until` (seconds since the epoch)."""

    worker: str
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class History:
    """The record of a run. `leads` and `found` are what the control APIs show at the end, by connection.

    `limits` is each budget's limit and window as its sandbox counts them, `in_flight` the most requests of a location at once.
    """

    settings: Settings
    ghl: Sequence[Entry]
    lofty: Sequence[Entry]
    leads: Mapping[str, list[dict[str, Any]]]
    found: Mapping[str, dict[str, Any]]
    receipts: Sequence[Receipt]
    parked: Sequence[Parked]
    limits: Mapping[str, tuple[int, float]]
    in_flight: int
    frozen: Sequence[Tenure] = ()


@dataclass(slots=True)
class Finding:
    """One property: what it examined, and every violation in words."""

    number: int
    name: str
    examined: int = 0
    violations: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)


def judge(history: History) -> list[Finding]:
    """Every property, in order."""
    findings = [prove(history) for prove in PROPERTIES]
    for one in findings:
        if not one.examined:
            one.violations.append("there was nothing to examine")
    return findings


def nothing_lost(history: History) -> Finding:
    """P1. Does not prove that a change arrived in time, only that the last state did."""
    finding = Finding(1, "nothing is lost or different at the end")
    for name, leads in history.leads.items():
        account = Account()
        compare_location(
            account, history.settings.connections[name], leads, dict(history.found[name]), is_ours_alone=True
        )
        finding.examined += account.fields_compared
        finding.violations += account.lost + account.different
    return finding


def nothing_twice(history: History) -> Finding:
    """P2. Does not prove it for what a person deletes in GHL by hand: that may be created again, by policy."""
    finding = Finding(2, "nothing is created twice")
    created: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in history.ghl:
        if entry.created and entry.operation in CREATES:
            finding.examined += 1
            created[entry.budget, _name_of(history, entry)].append(entry)
    for (budget, name), entries in created.items():
        if len(entries) > 1:
            finding.violations.append(f"{budget} {name} was created {len(entries)} times: {_told(entries)}")
    for name, leads in history.leads.items():
        account = Account()
        compare_location(account, history.settings.connections[name], leads, dict(history.found[name]))
        finding.violations += account.double
    return finding


def nothing_stale(history: History) -> Finding:
    """P3. Does not prove it for fields without a version: cities and tags are proved at the end only (P1)."""
    finding = Finding(3, "nothing newer is overwritten by something older")
    newest: dict[tuple[str, str | None], tuple[int, Entry]] = {}
    for entry in sorted(_applied(history.ghl), key=lambda one: (one.applied_at or 0.0, one.seq)):
        version = _version(entry)
        if version is None:
            continue
        finding.examined += 1
        place = (entry.budget, entry.entity)
        before = newest.get(place)
        if before is not None and version < before[0]:
            finding.violations.append(f"{place}: v{version} after v{before[0]}: {_told([before[1], entry])}")
        else:
            newest[place] = (version, entry)
    return finding


def only_what_is_mapped(history: History) -> Finding:
    """P3b. Does not prove what GHL itself changes beside the fields that were sent."""
    finding = Finding(4, "no tags travel in a contact's body, nor fields that the mapping does not own")
    owned = {
        c.ghl.location_id: {*(one.target for one in c.mapping.standard), "locationId", "customFields", "assignedTo"}
        for c in history.settings.connections.values()
    }
    for entry in _applied(history.ghl):
        if entry.operation in ("upsert-contact", "update-contact") and isinstance(entry.body, dict):
            finding.examined += 1
            if strange := entry.body.keys() - owned[entry.budget]:
                finding.violations.append(f"{entry.budget} {entry.entity}: {sorted(strange)}: {_told([entry])}")
    return finding


def one_at_a_time(history: History) -> Finding:
    """P4. Does not prove the order in which a vendor works on two requests that it was sent one after the other."""
    finding = Finding(5, "a contact has at most one request under way, and comes before its notes and tasks")
    lanes: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in history.ghl:
        contact = entry.parent or (entry.entity if "contact" in entry.operation or "tags" in entry.operation else None)
        if contact is not None:
            lanes[entry.budget, contact].append(entry)
    for place, entries in lanes.items():
        ends, last = 0.0, None
        for entry in sorted(entries, key=lambda one: one.at):
            finding.examined += 1
            if last is not None and entry.at < ends:
                finding.violations.append(f"{place}: two at once: {_told([last, entry])}")
            if (entry.ended or entry.at) >= ends:
                ends, last = entry.ended or entry.at, entry
        first = min(
            (e.applied_at for e in entries if e.created and e.operation in CREATES[:2] and e.applied_at), default=0.0
        )
        for entry in entries:
            if entry.created and entry.operation in CREATES[2:] and (entry.applied_at or 0.0) < first:
                finding.violations.append(f"{place}: before its contact: {_told([entry])}")
    return finding


def within_limits(history: History) -> Finding:
    """P5. Proves it for the sandbox's arithmetic of windows; that the vendors' is alike is their documents' word."""
    finding = Finding(6, "no limit is exceeded")
    for entries in (history.ghl, history.lofty):
        windows = {budget: Window(*limit) for budget, limit in history.limits.items()}
        under_way: dict[str, list[float]] = defaultdict(list)
        for entry in entries:
            if entry.budget not in windows:
                continue
            finding.examined += 1
            if entry.status == 429 and entry.fault is None:
                finding.violations.append(f"{entry.budget}: a 429 that nobody ordered: {_told([entry])}")
            elif not windows[entry.budget].take(entry.at):
                finding.violations.append(f"{entry.budget}: one more than the window holds: {_told([entry])}")
            if entries is history.ghl:
                going = [end for end in under_way[entry.budget] if end > entry.at]
                under_way[entry.budget] = [*going, entry.ended or entry.at]
                if len(going) >= history.in_flight + 1:
                    finding.violations.append(f"{entry.budget}: {len(going) + 1} at once: {_told([entry])}")
    return finding


def one_owner(history: History) -> Finding:
    """P6. Does not prove it against a process frozen between its last check and the send: those are counted as excused."""
    finding = Finding(7, "a budget is asked by one worker at a time")
    for entries in (history.ghl, history.lofty):
        by_budget: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            if worker_of(entry):
                by_budget[entry.budget].append(entry)
        for budget, asked in by_budget.items():
            finding.examined += 1
            past: set[str] = set()
            now, since = "", asked[0]
            for entry in asked:
                worker = worker_of(entry)
                if worker == now:
                    continue
                if worker in past and not _comes_back_in_order(asked, worker, entry):
                    words = f"{budget}: {worker} again while {now} owns it: {_told([since, entry])}"
                    late = any(t.worker == worker and 0 <= entry.at - t.until < 1.0 for t in history.frozen)
                    (finding.excused if late else finding.violations).append(words)
                past.add(now)
                now, since = worker, entry
    return finding


def _comes_back_in_order(asked: Sequence[Entry], worker: str, entry: Entry) -> bool:
    """A budget may return to a worker after a rebalance: then the other one asks no more for a while around it."""
    near = [one for one in asked if abs(one.at - entry.at) < SOLE_OWNER_GRACE_SECONDS and worker_of(one) != worker]
    return not any(one.at > entry.at for one in near)


def every_create_was_intended(history: History) -> Finding:
    """P7. Does not prove that the intent was acknowledged before the request left, only that its time was before."""
    finding = Finding(8, "every create was intended first, and every write has a receipt")
    intended: dict[str, list[int]] = defaultdict(list)
    settled: Counter[str] = Counter()
    for receipt in history.receipts:
        name = receipt.lead if receipt.kind == "contact" else marker(receipt.kind, receipt.id)
        if receipt.outcome == "intended":
            intended[name].append(receipt.at_ms)
        elif receipt.outcome in ("applied", "unchanged"):
            settled[name] += 1
    for entry in history.ghl:
        if not (entry.created and entry.operation in CREATES):
            continue
        finding.examined += 1
        name = _name_of(history, entry)
        if not any(at <= 1000 * entry.at + 5 for at in intended[name]):
            finding.violations.append(f"{name}: no intent before {_told([entry])}")
        if not settled[name]:
            finding.violations.append(f"{name}: no receipt says what became of {_told([entry])}")
    return finding


PROPERTIES: tuple[Callable[[History], Finding], ...] = (
    nothing_lost,
    nothing_twice,
    nothing_stale,
    only_what_is_mapped,
    one_at_a_time,
    within_limits,
    one_owner,
    every_create_was_intended,
)


def worker_of(entry: Entry) -> str:
    """The worker that sent a request, by its `User-Agent`; empty for anything else."""
    words = entry.agent.split()
    return words[-1] if len(words) > 1 and not words[-1].startswith("(") else ""


def _applied(entries: Sequence[Entry]) -> Iterator[Entry]:
    return (one for one in entries if one.applied and WRITES.search(one.operation))


def _name_of(history: History, entry: Entry) -> str:
    """The Lofty id that a create bears: the lead's id for a contact, the marker for a note or task."""
    body = entry.body if isinstance(entry.body, dict) else {}
    if entry.operation in CREATES[2:]:
        found = MARKER.findall(str(body.get("body")))
        return found[-1] if found else f"unmarked {entry.entity}"
    ids = _lead_id_fields(history)
    bearing = [str(one["field_value"]) for one in body.get("customFields", []) if one.get("id") in ids]
    return bearing[0] if bearing else f"unmarked {entry.entity}"


def _lead_id_fields(history: History) -> set[str]:
    return {
        one["id"] for found in history.found.values() for one in found["customFields"] if one["name"] == LEAD_ID_FIELD
    }


def _version(entry: Entry) -> int | None:
    body = entry.body if isinstance(entry.body, dict) else {}
    texts = (str(body.get(name)) for name in ("lastName", "title", "body") if body.get(name))
    found = [int(match) for text in texts for match in VERSION.findall(text)]
    return max(found, default=None)


def _told(entries: Sequence[Entry]) -> str:
    return "; ".join(
        f"#{one.seq} {one.operation} by {worker_of(one) or '?'} at {one.at:.3f} ended {one.ended or 0:.3f} "
        f"status {one.status} fault {one.fault}"
        for one in entries
    )
