"""Many connections by CSV while others go on, and the console with them: is it live in time, does nobody wait longer, is each page quick?

`live`: three connections of the configuration file carry edits at a steady rate. Quiet, quiet again, then so many connections are
added by one table and made live, then quiet once more. Live is a connection that a worker has taken over, that is subscribed at
Lofty, and whose first edited lead came by Lofty's webhook and is in GHL. All of it is counted in the sandboxes' ledgers; so is the
freshness of the three: from the edit in Lofty to the moment at which GHL applied it, found by the edit's own text.
`console` (`console_pages.py`) goes on from there.

    python -m tests.bench.connections live BOOTSTRAP CONNECTIONS [SECONDS]
    python -m tests.bench.connections console BOOTSTRAP CONNECTIONS LEADS
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from connectors.sandbox.lofty.people import make_leads, make_team
from streams.console.auth.passwords import hash_password
from streams.demo.percentiles import percentile
from streams.settings.password_hashes import token_hash
from tests.bench.observing import processor_seconds
from tests.bench.offered import FrontDoor
from tests.bench.town import Plan, Town, run, town

OTHERS, LEADS_EACH = 3, 40
"""The connections that are there before, and how many leads each has: a lead is edited again long after its edit before."""
PER_SECOND = 8.0
"""Edits in each of them."""
MOST_SECONDS = 240.0
LAST_OF_LOCATION = "get-user-by-location"
"""What a worker asks of a location that it has taken over."""
LISTS = 5
"""The lists of Lofty that a connection is subscribed for."""
POLL_SECONDS = 0.5
WARM_SECONDS = 15.0
TOKEN, PASSWORD = "lgt_token-of-the-bench-000000000001", "the password of the bench"
ENVIRON = {
    "LOFTY_GHL_CONSOLE_KEY": "k" * 40,
    "LOFTY_GHL_TOKEN_KEYS": "202601:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
HEADERS = "name,lofty_team_id,ghl_location_id,lofty_api_key,ghl_token,lofty_url,ghl_url,region,new_leads_minutes,all_leads_hours"


def console_config() -> str:
    """A console with a person and a program, both admins."""
    return f"""
[console]
enabled = true
[[console.users]]
name = "ann"
role = "admin"
password_hash = "{hash_password(PASSWORD)}"
[[console.tokens]]
name = "bench"
role = "admin"
hash = "{token_hash(TOKEN)}"
"""


def name_of(number: int) -> str:
    """The connection of an account that was added by the table."""
    return f"agency-{number:03d}"


@asynccontextmanager
async def growing_town(bootstrap: str, connections: int) -> AsyncIterator[Town]:
    """The three that are there, and so many accounts that no connection names, each with a lead."""
    plan = Plan(OTHERS, OTHERS * LEADS_EACH, later=connections, more=console_config(), environ=ENVIRON)
    async with town(bootstrap, plan) as on:
        for number, person in enumerate(make_leads(connections), OTHERS):
            lead = {k: v for k, v in person.items() if k not in ("notes", "tasks", "appointments", "tags")}
            body = {**make_team(), "leads": [lead]}
            made = await on.post(f"{on.lofty}/_sandbox/seed", body, team=on.plan.team(number))
            on.leads.append((name_of(number), str(made["leads"][0]["leadId"])))
        yield on


async def import_table(on: Town, connections: int) -> dict[str, Any]:
    """Add them all by one table, as the console's page and the command do."""
    rows = [
        f"{name_of(n)},{on.plan.team(n)},loc{n},{on.plan.key(n)},pit-{n},{on.lofty},{on.ghl},US,0,0"
        for n in range(OTHERS, OTHERS + connections)
    ]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    table = "\n".join((HEADERS, *rows))
    url = f"{on.gateway}/api/v1/connections/import"
    async with on.http.post(url, json={"csv": table}, headers=headers) as answer:
        found: dict[str, Any] = await answer.json()
        if answer.status != 200 or found["new"] != connections:
            raise RuntimeError(f"the import answered {answer.status}: {str(found)[:500]}")
        return found


# -- those who were there before ------------------------------------------------------------------------------


@dataclass
class SteadyEdits:
    """Edits the leads of the three at a steady rate until cancelled. `made` are the times of the edits, by their text."""

    on: Town
    door: FrontDoor
    made: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """An edit is due at its time, whatever became of those before it."""
        leads = [(c, lead) for c, lead in self.on.leads if c.startswith("pair")]
        # Each in another connection than the one before.
        leads = [one for turn in range(LEADS_EACH) for one in leads[turn::LEADS_EACH]]
        began = time.time()
        for number in count():
            await asyncio.sleep(max(0.0, began + number / (PER_SECOND * OTHERS) - time.time()))
            connection, lead = leads[number % len(leads)]
            text = f"Edit{number}"
            edit = {"edit": "update", "kind": "lead", "id": lead, "fields": {"lastName": text}}
            team = self.on.plan.team(int(connection.removeprefix("pair")))
            at = time.time()
            await self.on.post(f"{self.on.lofty}/_sandbox/edits", {"edits": [edit]}, team=team)
            self.door.announce(connection, lead)
            await self.door.flush()
            self.made[text] = at


class Ledger:
    """A vendor's ledger, read as it grows. A request that has no answer yet is read when it has one."""

    def __init__(self, on: Town, vendor: str) -> None:
        self._on, self._vendor, self._seen = on, vendor, 0

    async def answered(self) -> AsyncIterator[dict[str, Any]]:
        """The requests that were answered since the last call, in order; none behind one that still waits."""
        for row in await self._on.ledger(self._vendor, self._seen):
            if row["ended"] is None:
                return
            self._seen = row["seq"]
            yield row


class Applied:
    """What GHL has applied, read from its ledger as it grows: edits by their text, and the first contact of each location."""

    def __init__(self, on: Town) -> None:
        self._ledger = Ledger(on, on.ghl)
        self.edits: dict[str, float] = {}
        self.first_contact: dict[str, float] = {}
        self.read_locations: set[str] = set()
        self.answers_429 = 0

    async def read(self) -> None:
        """Take what is new."""
        async for row in self._ledger.answered():
            self.answers_429 += row["status"] == 429
            if row["operation"] == LAST_OF_LOCATION and row["status"] == 200:
                self.read_locations.add(row["budget"])
            if not row["applied"] or not isinstance(row["body"], dict):
                continue
            text = row["body"].get("lastName")
            if isinstance(text, str):
                self.edits.setdefault(text, row["applied_at"])
            if row["operation"] == "create-contact":
                self.first_contact.setdefault(row["budget"], row["applied_at"])


def window(edits: SteadyEdits, applied: Applied, since: float, until: float) -> dict[str, Any]:
    """Freshness of the edits made between two times. One that never came counts as the longest that was possible."""
    waits, missing = [], 0
    for text, at in edits.made.items():
        if since <= at < until:
            missing += text not in applied.edits
            waits.append(1000 * (applied.edits.get(text, time.time()) - at))
    cuts = {f"p{percent}_ms": percentile(waits, percent) for percent in (50, 95, 99)}
    return {"edits": len(waits), "not_applied": missing, "seconds": until - since, **cuts, "most_ms": max(waits)}


# -- those who are added --------------------------------------------------------------------------------------


@dataclass
class Arrivals:
    """When each new connection was subscribed, and when its first edited lead was in GHL. `edited` is when that was edited."""

    subscribed: dict[int, float] = field(default_factory=dict)
    edited: dict[int, float] = field(default_factory=dict)
    live: dict[int, float] = field(default_factory=dict)


async def make_live(on: Town, connections: int, applied: Applied) -> Arrivals:
    """Edit the lead of each connection once a worker has it and it is subscribed, and wait until all of them are in GHL."""
    found, ledger, lists = Arrivals(), Ledger(on, on.lofty), Counter[int]()
    lead_of = {name: lead for name, lead in on.leads if name.startswith("agency")}
    number_of = {on.plan.team(n): n for n in range(OTHERS, OTHERS + connections)}
    until = time.time() + MOST_SECONDS
    while len(found.live) < connections:
        if time.time() > until:
            raise TimeoutError(f"{len(found.subscribed)} are subscribed, {len(found.live)} live after {MOST_SECONDS} s")
        await asyncio.sleep(POLL_SECONDS)
        async for row in ledger.answered():
            number = number_of.get(row["budget"], -1)
            if row["operation"] == "create-subscription" and row["status"] == 200 and number >= 0:
                lists[number] += 1
                if lists[number] == LISTS:
                    found.subscribed[number] = row["ended"]
        for number in found.subscribed.keys() - found.edited.keys():
            if f"loc{number}" not in applied.read_locations:
                continue
            edit = {"edit": "update", "kind": "lead", "id": lead_of[name_of(number)], "fields": {"lastName": "Live"}}
            found.edited[number] = time.time()
            await on.post(f"{on.lofty}/_sandbox/edits", {"edits": [edit]}, team=on.plan.team(number))
        await applied.read()
        for number in found.edited.keys() - found.live.keys():
            if (at := applied.first_contact.get(f"loc{number}")) is not None:
                found.live[number] = at
    return found


async def live(bootstrap: str, connections: int, seconds: float) -> dict[str, Any]:
    """Quiet, quiet, added, quiet."""
    async with growing_town(bootstrap, connections) as on, FrontDoor(on) as door:
        for connection, lead in on.leads[: OTHERS * LEADS_EACH]:
            door.announce(connection, lead)
        await door.flush()
        await on.settled(OTHERS * LEADS_EACH)
        await on.until_still()
        edits, applied, load = SteadyEdits(on, door), Applied(on), os.getloadavg()[0]
        pids = {name: child.pid for name, child in on.children.items()}
        editing = asyncio.create_task(edits.run())
        await asyncio.sleep(WARM_SECONDS)
        marks = [time.time()]
        for _ in range(2):
            await asyncio.sleep(seconds)
            marks.append(time.time())
        before = processor_seconds(on)
        await import_table(on, connections)
        imported = time.time()
        arrivals = await make_live(on, connections, applied)
        last = max(arrivals.live.values())
        spent = processor_seconds(on) - before
        # A window as long as the quiet ones, unless making them live took longer.
        await asyncio.sleep(max(0.0, marks[-1] + seconds - time.time()))
        marks.append(time.time())
        await asyncio.sleep(seconds)
        marks.append(time.time())
        editing.cancel()
        await asyncio.gather(editing, return_exceptions=True)
        await on.until_still(2.0)
        await applied.read()
        names = ("quiet_a", "quiet_b", "added", "quiet_c")
        found = {name: window(edits, applied, *marks[at : at + 2]) for at, name in enumerate(names)}
        live_now = {"while_becoming_live": window(edits, applied, marks[2], max(last, marks[2] + 1.0))}
        return {
            "connections": connections,
            "import_answered_seconds": imported - marks[2],
            "all_subscribed_seconds": max(arrivals.subscribed.values()) - marks[2],
            "all_live_seconds": last - marks[2],
            "half_live_seconds": sorted(arrivals.live.values())[connections // 2] - marks[2],
            **_of_each(arrivals),
            "worker_processor_seconds": spent,
            "restarts": await _restarts(on, pids),
            "answers_429": applied.answers_429,
            **found,
            **live_now,
            **_ratios(found["quiet_a"], found["quiet_b"], found["added"], found["quiet_c"]),
            "load_before": load,
            "load_after": os.getloadavg()[0],
        }


def _of_each(arrivals: Arrivals) -> dict[str, float]:
    waits = [1000 * (arrivals.live[number] - at) for number, at in arrivals.edited.items()]
    return {"first_lead_p50_ms": percentile(waits, 50), "first_lead_p99_ms": percentile(waits, 99)}


def _ratios(a: dict[str, Any], b: dict[str, Any], added: dict[str, Any], c: dict[str, Any]) -> dict[str, float]:
    """The window in which they were added against the two quiet ones before it, and these against each other."""
    found = {}
    for cut in ("p50_ms", "p95_ms", "p99_ms"):
        name = cut.removesuffix("_ms")
        found[f"noise_{name}"] = b[cut] / a[cut] - 1
        found[f"cost_{name}"] = 2 * added[cut] / (a[cut] + b[cut]) - 1
        found[f"after_{name}"] = 2 * c[cut] / (a[cut] + b[cut]) - 1
    return found


async def _restarts(on: Town, pids: dict[str, int]) -> int:
    """Processes that ended, and workers that took another's place within one."""
    ended = sum(child.has_ended or child.pid != pids[name] for name, child in on.children.items())
    log: Callable[[], str] = on.children["worker"].log.read_text
    return ended + (await asyncio.to_thread(log)).count("the worker restarts")


if __name__ == "__main__":
    what, where, *sizes = sys.argv[1:]
    if what == "live":
        run(live(where, int(sizes[0]), float(sizes[1]) if sizes[1:] else 60.0))
    else:
        from tests.bench.console_pages import console

        run(console(where, int(sizes[0]), int(sizes[1])))
