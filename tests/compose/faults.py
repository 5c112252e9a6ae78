"""The faults that are injected, the alert that each raises, and within which time.

An alert waits in two kinds of time. The times in its rule (`for`, ranges) are Prometheus' time, which runs faster here.
What the product waits for (a session, a rate window) and the interval of scrapes is real time and does not.
So a promise of `rule_seconds` and `real_seconds` holds after `rule_seconds / factor + real_seconds` here.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from streams.demo.dataset import AGENCIES, POISON_PING
from tests.compose.system import System
from tests.deadlines import within

HARBOR, VALLEY = AGENCIES

FACTORS: Mapping[str, float] = {"LoftyGhlSweepFails": 60.0}
"""Alerts whose time runs even faster: one hour without a sweep that ended would be four minutes, and is one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `along` are alerts that may come along, each with the reason."""

    name: str
    alert: str
    rule_seconds: float
    real_seconds: float
    inject: Callable[[System], None]
    heal: Callable[[System], None]
    along: Mapping[str, str]
    is_over_when_healed: bool = True

    def __str__(self) -> str:
        return self.name


def _ghl(system: System, path: str, body: Any = None, method: str = "POST") -> Any:
    return _order(system.url("sandbox-ghl", 8090, f"/_sandbox/{path}"), body, method)


def _lofty(system: System, path: str, body: Any = None, method: str = "POST") -> Any:
    return _order(system.url("sandbox-lofty", 8091, f"/_sandbox/{path}"), body, method)


def _order(url: str, body: Any, method: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    with urlopen(
        Request(url, content, {"Content-Type": "application/json"}, method=method), timeout=within(20)
    ) as answer:
        return json.load(answer)


def _storm(system: System) -> None:
    """Somebody else spends the limit of both locations; meanwhile all leads are edited."""
    _ghl(system, "faults", {"kind": "status", "status": 429, "operation": "*"})
    _edit_all(system)


def _edit_all(system: System) -> None:
    """Each lead of both agencies gets another score: so many live changes at once."""
    for agency in AGENCIES:
        with urlopen(
            system.url("sandbox-lofty", 8091, f"/_sandbox/leads?team={agency.team}"), timeout=within(20)
        ) as answer:
            leads = [one["lead"] for one in json.load(answer)["leads"]]
        edits = [
            {"edit": "update", "kind": "lead", "id": one["leadId"], "fields": {"score": (one["score"] + 1) % 100}}
            for one in leads
        ]
        _lofty(system, f"edits?team={agency.team}", {"edits": edits})


def _behave(system: System) -> None:
    _ghl(system, "faults", method="DELETE")
    _lofty(system, "faults", method="DELETE")


def _revoke(system: System) -> None:
    _ghl(system, "faults", {"kind": "revoke", "budget": HARBOR.location})


def _flood(system: System) -> None:
    """Thirty deliveries that nobody can read. The gateway keeps each and answers 200."""
    url = system.url("demo-gateway", 8080, f"/lofty/{VALLEY.webhook_secret}")
    for _ in range(30):
        with urlopen(Request(url, POISON_PING), timeout=within(20)):
            pass


def _stop_kafka(system: System) -> None:
    system.kafka.kill()


def _start_kafka(system: System) -> None:
    system.kafka.start()


def _freeze(system: System) -> None:
    system.running["demo-worker"].signal_all(signal.SIGSTOP)


def _thaw(system: System) -> None:
    system.running["demo-worker"].signal_all(signal.SIGCONT)


def _refuse_sweeps(system: System) -> None:
    """Lofty refuses harbor's lists of leads, as it does when it changes its API.

    Not right after a sweep: the alert wants a failure and no good end within an hour, which is a minute here. A sweep that was
    refused waits for ten real minutes, so one that failed just after another had ended would fail and end in the same minute.
    """
    seen, quiet_since, until = 0, time.monotonic(), time.monotonic() + within(120)
    while time.monotonic() < quiet_since + REST_SECONDS:
        if time.monotonic() > until:
            raise TimeoutError(f"harbor's sweeps never rest for {REST_SECONDS:.0f} s")
        entries = _lofty(system, f"ledger?after={seen}&limit=5000", method="GET")["entries"]
        seen = max((one["seq"] for one in entries), default=seen)
        if any(one["operation"].startswith("list-") and one["budget"] == str(HARBOR.team) for one in entries):
            quiet_since = time.monotonic()
        time.sleep(0.5)
    _lofty(system, "faults", {"kind": "status", "status": 400, "operation": "list-leads", "budget": str(HARBOR.team)})


def _spend_quota(system: System) -> None:
    """Harbor's other integrations leave a tenth of the day."""
    _ghl(system, "day", {"location": HARBOR.location, "left": 20_000})


def _give_quota(system: System) -> None:
    _ghl(system, "day", {"location": HARBOR.location, "left": 200_000})


REST_SECONDS = 8.0
"""So long before the fault no list was asked for: sweeps of new leads come every thirty seconds."""
RESTARTED = "a worker that lost its partitions ends, and its supervisor starts it again"
SCRAPED = 30
"""Rule seconds until a change is scraped and a rule has seen it."""
FAULTS: tuple[Fault, ...] = (
    # A budget that was throttled asks once a window of ten real seconds: so few fit into the five minutes of the rule here.
    Fault("429 storm", "LoftyGhlVendorThrottles", 120 + SCRAPED, 35, _storm, _behave, {}),
    Fault("poison flood", "LoftyGhlParkedGrows", SCRAPED, 10, _flood, lambda _: None, {}),
    Fault("quota nearly gone", "LoftyGhlQuotaNearlyGone", 360 + SCRAPED, 15, _spend_quota, _give_quota, {}),
    Fault("token revoked", "LoftyGhlAccessLost", 180 + SCRAPED, 20, _revoke, _behave, {}),
    Fault(
        "worker frozen",
        "LoftyGhlWorkerDown",
        60 + SCRAPED,
        10,
        _freeze,
        _thaw,
        {"LoftyGhlPartitionsUnowned": RESTARTED, "LoftyGhlWorkerRestarts": RESTARTED},
    ),
    Fault(
        "Kafka stopped",
        "LoftyGhlKafkaRefuses",
        15 + SCRAPED,
        25,
        _stop_kafka,
        _start_kafka,
        {
            "LoftyGhlWorkerDown": "a worker that cannot reach Kafka ends, and cannot start",
            "LoftyGhlPartitionsUnowned": RESTARTED,
            "LoftyGhlWorkerRestarts": RESTARTED,
        },
    ),
    # The last: a sweep that was refused tries again in ten minutes of real time.
    Fault(
        "sweep failing",
        "LoftyGhlSweepFails",
        3660 + SCRAPED,
        40,
        _refuse_sweeps,
        _behave,
        {},
        is_over_when_healed=False,
    ),
)
