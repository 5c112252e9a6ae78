"""`docker compose --profile demo up` by v2, from healthy to gone: each check goes on where the one before ended."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.demo.comparison import Comparison, compare_location
from streams.demo.dataset import AGENCIES
from streams.settings import load_settings
from tests.deadlines import within
from tests.docker.images import ROOT, Images
from tests.docker.project import Project, get
from tests.docker.shell import attempt, step, until

SERVICES = {
    *("kafka", "demo-topics", "demo-connect", "demo-gateway", "demo-worker", "demo-town", "demo-grafana"),
    *("sandbox-ghl", "sandbox-lofty", "prometheus", "alertmanager"),
}
LEADS = 40
KILL_THE_WORKER = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    words = open(f"/proc/{pid}/cmdline", "rb").read().split(bytes(1))
    if int(pid) not in (1, os.getpid()) and b"worker" in words:
        os.kill(int(pid), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def demo(environ: dict[str, str], images: Images, checkout: Path) -> Iterator[Project]:
    """The demo, from `up` to `down -v`."""
    project = Project(checkout, environ, "demo")
    try:
        with step("docker compose --profile demo up -d"):
            project.compose("up", "-d", seconds=300)
        yield project
    finally:
        project.try_compose("down", "-v", "--timeout", "5")


def contacts() -> dict[str, set[str]]:
    """Each location's contacts in GHL's sandbox, by id."""
    found = {}
    for agency in AGENCIES:
        shown = get(f"http://localhost:8090/_sandbox/contacts?location={agency.location}")
        found[agency.location] = {one["id"] for one in shown["contacts"]}
    return found


def writes(location: str) -> int:
    """How many requests for a location GHL's sandbox has answered since it started."""
    return int(get("http://localhost:8090/_sandbox/stats")["budgets"].get(location, 0))


def go_on(seconds: float, state: Project) -> None:
    """Both agencies' changes arrive in GHL, from now on."""
    before = {agency.location: writes(agency.location) for agency in AGENCIES}
    until(
        lambda: all(writes(name) > count for name, count in before.items()),
        seconds,
        f"more requests than {before}",
        state.words,
    )


def test_everything_becomes_healthy(demo: Project) -> None:
    """With what runs once ended well, and no volume without a name."""
    with step("everything is healthy"):
        demo.until_well(SERVICES, 240)
    found = demo.containers()
    assert {one.service for one in found} == SERVICES
    assert {one.service: one.anonymous_volumes for one in found if one.anonymous_volumes} == {}


@pytest.mark.parametrize("path", ["/console", "/console/"])
def test_the_console_answers(demo: Project, path: str) -> None:
    """Both ways of writing its address lead to the page where one signs in."""
    with urllib.request.urlopen(f"http://localhost:8080{path}", timeout=within(10)) as answer:
        page = answer.read().decode()
    assert answer.status == 200
    assert 'type="password"' in page


def test_the_first_leads_are_in_ghl(demo: Project) -> None:
    """Of both agencies."""
    with step("the first leads are in GHL"):
        until(lambda: all(len(ids) >= LEADS for ids in contacts().values()), 120, "all leads are in GHL", demo.words)


def test_prometheus_reaches_everything(demo: Project) -> None:
    """Worker, gateway and itself."""

    def targets() -> dict[str, str]:
        found = get("http://localhost:9090/api/v1/targets")["data"]["activeTargets"]
        return {one["labels"]["job"]: one["health"] for one in found}

    up = {"worker": "up", "gateway": "up", "prometheus": "up"}
    until(lambda: targets() == up, 60, "all targets are up", lambda: str(targets()))


def test_prometheus_has_loaded_every_rule(demo: Project) -> None:
    """Each file's, and none fails."""
    groups = get("http://localhost:9090/api/v1/rules")["data"]["groups"]
    files = {Path(one["file"]).name for one in groups}
    assert files == {one.name for one in (ROOT / "grafana/prometheus/rules").glob("*.yml")}
    assert {
        rule["name"]: rule.get("lastError") for one in groups for rule in one["rules"] if rule["health"] == "err"
    } == {}
    assert get("http://localhost:9090/api/v1/alertmanagers")["data"]["activeAlertmanagers"]


def test_kafka_is_reached_from_this_machine(demo: Project) -> None:
    """At the address that `lofty-ghl init --rehearsal` writes down."""
    from confluent_kafka.admin import AdminClient

    topics = AdminClient({"bootstrap.servers": "localhost:9092"}).list_topics(timeout=within(15)).topics
    assert "demo.ghl.receipts" in topics


def test_a_killed_worker_comes_back_and_goes_on(demo: Project) -> None:
    """By the restart policy; both agencies' changes arrive as before."""
    before = demo.container("demo-worker").restarts
    attempt(["docker", "exec", demo.container("demo-worker").id, "python", "-c", KILL_THE_WORKER], demo.environ)
    until(lambda: demo.container("demo-worker").restarts > before, 60, "the worker is started again", demo.words)
    demo.until_well({"demo-worker"})
    with step("the worker was killed, and goes on"):
        go_on(120, demo)


def test_the_demo_survives_that_everything_is_stopped_and_started(demo: Project) -> None:
    """Its sandboxes forget nothing: every contact is there, and access by OAuth is still given."""
    with step("stop everything"):
        demo.compose("stop", "demo-town", "--timeout", "5")
        before = contacts()
        demo.compose("stop", seconds=180)
    with step("start everything"):
        demo.compose("start", seconds=300)
        demo.until_well(SERVICES, 240)
    lost = {name: ids - contacts()[name] for name, ids in before.items()}
    assert lost == {name: set() for name in before}
    with step("both agencies go on"):
        go_on(120, demo)


def test_ghl_holds_what_lofty_says(demo: Project) -> None:
    """By lofty-ghl's own `verify`, note by note, and by the sandboxes' own words, contact by contact."""
    demo.compose("stop", "demo-town", "--timeout", "5")

    def verified() -> bool:
        return demo.try_compose("exec", "-T", "demo-worker", "lofty-ghl", "verify", "--json")[0] == 0

    with step("verify"):
        until(verified, 180, "lofty-ghl verify finds nothing wrong", lambda: _what_verify_says(demo))
    account = Comparison()
    folder = ROOT / "deploy/demo/lofty-ghl"
    settings = load_settings(folder / "lofty-ghl.toml", {"LOFTY_GHL_SECRETS_DIR": str(folder / "secrets")})
    for agency in AGENCIES:
        found = get(f"http://localhost:8090/_sandbox/contacts?location={agency.location}")
        leads = get(f"http://localhost:8091/_sandbox/leads?team={agency.team}&trash=true")["leads"]
        none: dict[str, list[object]] = {"notes": [], "tasks": [], "appointments": []}
        bare = {**found, "contacts": [{**one, **none} for one in found["contacts"]]}
        compare_location(account, settings.connections[agency.name], [{**one, **none} for one in leads], bare)
    assert account.leads >= 2 * (LEADS - 1)
    assert (account.lost, account.double, account.different) == ([], [], [])


def test_nothing_of_the_demo_is_left(demo: Project) -> None:
    """After `down -v`: no container, network or volume, and none without a name."""
    demo.compose("down", "-v", "--timeout", "10", seconds=180)
    assert demo.left() == {}


def _what_verify_says(demo: Project) -> str:
    code, output, errors = demo.try_compose("exec", "-T", "demo-worker", "lofty-ghl", "verify")
    return f"verify ended with {code}:\n{output[-2500:]}\n{errors[-1000:]}"
