"""Many connections by CSV while others go on, and the console with them: is it live in time, does nobody wait longer, is each page quick?

`live`: three connections of the configuration file carry edits at a steady rate. Quiet, quiet again, then so many connections are
added by one table and made live, then quiet once more. In the last window a plain client makes the requests that they caused
(`plain_requests.py`): what that costs the others is the machine's. Live is a connection that a worker has taken over, that is subscribed at
Lofty, and whose first edited lead came by Lofty's webhook and is in GHL. All of it is counted in the sandboxes' ledgers; so is the
freshness of the three: from the edit in Lofty to the moment at which GHL applied it, found by the edit's own text.
`console` (`console_pages.py`) goes on from there.

    python -m tests.bench.connections live BOOTSTRAP CONNECTIONS [SECONDS]
    python -m tests.bench.connections console|browser BOOTSTRAP CONNECTIONS LEADS
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
from tests.bench.observing import machine_seconds
from tests.bench.offered import FrontDoor
from tests.bench.plain_requests import ask_again
from tests.bench.town import Plan, Town, processor_seconds, run, town

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
"""How often the ledgers are read, in all windows alike: the reading costs the sandboxes' time."""
SLOWEST = 20
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
    """The three that are there, and twice so many accounts that no connection names: those to be added with a lead each, the others for `plain_requests.py`."""
    plan = Plan(OTHERS, OTHERS * LEADS_EACH, later=2 * connections, more=console_config(), environ=ENVIRON)
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


class Seen:
    """What the ledgers show, read as they grow, from beginning to end at one pace.

    `edits` are the times at which GHL applied them by their texts, `first_contact` those of each location's first contact.
    `read_locations` were read by the worker, `lists` counts the subscriptions of a team, `subscribed` has the time of its last.
    """

    def __init__(self, on: Town) -> None:
        self._ghl, self._lofty = Ledger(on, on.ghl), Ledger(on, on.lofty)
        self.edits: dict[str, float] = {}
        self.first_contact: dict[str, float] = {}
        self.read_locations: set[str] = set()
        self.lists = Counter[str]()
        self.subscribed: dict[str, float] = {}
        self.answers_429 = 0

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(POLL_SECONDS)

    async def read(self) -> None:
        """Take what is new."""
        async for row in self._lofty.answered():
            self.answers_429 += row["status"] == 429
            if row["operation"] == "create-subscription" and row["status"] == 200:
                self.lists[row["budget"]] += 1
                if self.lists[row["budget"]] == LISTS:
                    self.subscribed[row["budget"]] = row["ended"]
        async for row in self._ghl.answered():
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


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment between two windows: when it was, what the processes had used until then, and the machine in all and busy."""

    at: float
    used: dict[str, float]
    machine: tuple[float, float]

    @classmethod
    def now(cls, on: Town) -> Mark:
        """This moment."""
        return cls(time.time(), {name: processor_seconds(on, name) for name in on.children}, machine_seconds())


def window(edits: SteadyEdits, applied: Seen, since: float, until: float) -> dict[str, Any]:
    """Freshness of the edits made between two times. One that never came counts as the longest that was possible."""
    waits, missing = [], 0
    for text, at in edits.made.items():
        if since <= at < until:
            missing += text not in applied.edits
            waits.append(1000 * (applied.edits.get(text, time.time()) - at))
    cuts = {f"p{percent}_ms": percentile(waits, percent) for percent in (50, 95, 99)}
    return {"edits": len(waits), "not_applied": missing, "seconds": until - since, **cuts, "most_ms": max(waits)}


def slowest(edits: SteadyEdits, seen: Seen, since: float, until: float) -> list[str]:
    """The slowest edits of a window in the order of their times: whether they come in clusters, and when."""
    found = [
        (at - since, seen.edits.get(text, time.time()) - at) for text, at in edits.made.items() if since <= at < until
    ]
    chosen = sorted(sorted(found, key=lambda one: one[1])[-SLOWEST:])
    return [f"{after:.2f} s: {1000 * wait:.0f} ms" for after, wait in chosen]


def processors(before: Mark, after: Mark) -> str:
    """How busy the machine and each process was, in per cent of one core (the machine: of all)."""
    seconds, (whole, busy) = after.at - before.at, after.machine
    shares = {name: (used - before.used.get(name, 0.0)) / seconds for name, used in after.used.items()}
    shares["machine"] = (busy - before.machine[1]) / max(0.01, whole - before.machine[0])
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())


# -- those who are added --------------------------------------------------------------------------------------


@dataclass
class Arrivals:
    """When each new connection was subscribed, and when its first edited lead was in GHL. `edited` is when that was edited."""

    subscribed: dict[int, float] = field(default_factory=dict)
    edited: dict[int, float] = field(default_factory=dict)
    live: dict[int, float] = field(default_factory=dict)


async def make_live(on: Town, connections: int, seen: Seen) -> Arrivals:
    """Edit the lead of each connection once a worker has it and it is subscribed, and wait until all of them are in GHL."""
    found, until = Arrivals(), time.time() + MOST_SECONDS
    lead_of = {name: lead for name, lead in on.leads if name.startswith("agency")}
    while len(found.live) < connections:
        if time.time() > until:
            raise TimeoutError(f"{len(found.subscribed)} are subscribed, {len(found.live)} live after {MOST_SECONDS} s")
        due = []
        for number in range(OTHERS, OTHERS + connections):
            team, location = on.plan.team(number), f"loc{number}"
            if team in seen.subscribed:
                found.subscribed[number] = seen.subscribed[team]
            if number in found.edited and location in seen.first_contact:
                found.live[number] = seen.first_contact[location]
            elif number in found.subscribed and location in seen.read_locations and number not in found.edited:
                due.append(number)
        for number in due:
            edit = {"edit": "update", "kind": "lead", "id": lead_of[name_of(number)], "fields": {"lastName": "Live"}}
            found.edited[number] = time.time()
            await on.post(f"{on.lofty}/_sandbox/edits", {"edits": [edit]}, team=on.plan.team(number))
            # Agents of different agencies do not all edit at the moment at which this looks.
            await asyncio.sleep(POLL_SECONDS / len(due))
        if not due:
            await asyncio.sleep(POLL_SECONDS)
    return found


async def live(bootstrap: str, connections: int, seconds: float) -> dict[str, Any]:
    """Quiet, quiet, added, quiet, and the same requests by a plain client."""
    async with growing_town(bootstrap, connections) as on, FrontDoor(on) as door:
        for connection, lead in on.leads[: OTHERS * LEADS_EACH]:
            door.announce(connection, lead)
        await door.flush()
        await on.settled(OTHERS * LEADS_EACH)
        await on.until_still()
        edits, seen, load = SteadyEdits(on, door), Seen(on), os.getloadavg()[0]
        pids = {name: child.pid for name, child in on.children.items()}
        beside = [asyncio.create_task(edits.run()), asyncio.create_task(seen.run())]
        await asyncio.sleep(WARM_SECONDS)
        marks = [Mark.now(on)]
        for _ in range(2):
            await asyncio.sleep(seconds)
            marks.append(Mark.now(on))
        began = marks[-1].at
        await import_table(on, connections)
        imported = time.time()
        arrivals = await make_live(on, connections, seen)
        last = max(arrivals.live.values())
        # A window as long as the quiet ones, unless making them live took longer.
        await asyncio.sleep(max(0.0, began + seconds - time.time()))
        marks.append(Mark.now(on))
        await asyncio.sleep(seconds)
        marks.append(Mark.now(on))
        answers = await ask_again(on, OTHERS, connections, began, last)
        marks.append(Mark.now(on))
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await on.until_still(2.0)
        await seen.read()
        names = ("quiet_a", "quiet_b", "added", "quiet_c", "plain_client")
        found = {name: window(edits, seen, marks[at].at, marks[at + 1].at) for at, name in enumerate(names)}
        live_now = {"while_becoming_live": window(edits, seen, began, max(last, began + 1.0))}
        return {
            "connections": connections,
            "import_answered_seconds": imported - began,
            "all_subscribed_seconds": max(arrivals.subscribed.values()) - began,
            "all_live_seconds": last - began,
            "half_live_seconds": sorted(arrivals.live.values())[connections // 2] - began,
            **_of_each(arrivals),
            "restarts": await _restarts(on, pids),
            "answers_429": seen.answers_429,
            **found,
            **live_now,
            **_ratios(**found),
            "plain_answers": dict(sorted(answers.items())),
            "processors": {name: processors(marks[at], marks[at + 1]) for at, name in enumerate(names)},
            "slowest": {
                f"{number:02d}": words for number, words in enumerate(slowest(edits, seen, began, marks[3].at))
            },
            "load_before": load,
            "load_after": os.getloadavg()[0],
        }


def _of_each(arrivals: Arrivals) -> dict[str, float]:
    waits = [1000 * (arrivals.live[number] - at) for number, at in arrivals.edited.items()]
    return {"first_lead_p50_ms": percentile(waits, 50), "first_lead_p99_ms": percentile(waits, 99)}


def _ratios(quiet_a: dict[str, Any], quiet_b: dict[str, Any], **others: dict[str, Any]) -> dict[str, float]:
    """The two quiet windows against each other, and each other window against both."""
    found = {}
    for cut in ("p50", "p95", "p99"):
        a, b = quiet_a[f"{cut}_ms"], quiet_b[f"{cut}_ms"]
        found[f"noise_{cut}"] = b / a - 1
        found |= {f"{name}_{cut}": 2 * one[f"{cut}_ms"] / (a + b) - 1 for name, one in others.items()}
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

        run(console(where, int(sizes[0]), int(sizes[1]), only_browser=what == "browser"))
