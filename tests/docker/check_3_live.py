"""deploy/live/README.md, word by word, with the sandboxes as vendors: from `docker compose build` to a verified edit and OAuth."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.docker.images import ROOT, Images
from tests.docker.project import Project, get
from tests.docker.shell import attempt, step, until

README = "deploy/live/README.md"
YOURS = {
    "TEAM_ID": "310001",
    "LOCATION_ID": "locHarbor0001",
    "LOFTY_API_KEY": "demo-key-harbor",
    "GHL_TOKEN": "pit-demo-harbor",
    "PUBLIC_URL": "http://gateway:8080",
    "CLIENT_ID": "demo-app",
    "CLIENT_SECRET": "demo-app-secret",
}
"""What stands for each … of the README; it says so itself in its first step."""
RUNNING = {"kafka", "topics", "gateway", "worker", "sandbox-ghl", "sandbox-lofty"}
LIVE = {"kafka", "topics", "gateway", "worker", "prometheus", "alertmanager", "grafana"}
ALERTMANAGER = "grafana/alertmanager/alertmanager.yml"
TYPO = "route: [this is no route\n"
LOFTY, GHL = "http://localhost:8091/_sandbox", "http://localhost:8090/_sandbox"


class Walk:
    """Takes the README's steps one after another, all with the variables of those before."""

    def __init__(self, project: Project) -> None:
        text = (project.folder / README).read_text(encoding="utf-8")
        self.project = project
        self._steps = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        self._done = ""
        self.outputs: dict[str, str] = {}

    def take(self, number: int, seconds: float = 240.0) -> str:
        """Run the commands in a step's blocks; returns what they write. Raises RuntimeError."""
        (text,) = [one for one in self._steps if one.startswith(f"{number}. ")]
        commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        assert commands, f"step {number} has no commands"
        script = re.sub(r"\b([A-Z_]+)=…", lambda match: f"{match[1]}={YOURS[match[1]]}", commands)
        assert "…" not in script
        with step(f"{README}, step {number}"):
            argv = ["bash", "-euo", "pipefail", "-c", f"{self._done}\n{script}"]
            code, output, errors = attempt(argv, self.project.environ, seconds, self.project.folder)
        assert code == 0, (
            f"step {number} ended with {code}:\n{output[-3000:]}\n{errors[-3000:]}\n{self.project.words()}"
        )
        self._done += "\n".join(line for line in script.splitlines() if re.match(r"[A-Z_]+=", line)) + "\n"
        return output


@pytest.fixture(scope="module")
def alertmanager(checkout: Path) -> Path:
    """Alertmanager's settings in the checkout."""
    return checkout / ALERTMANAGER


@pytest.fixture(scope="module")
def project(environ: dict[str, str], images: Images, checkout: Path, alertmanager: Path) -> Iterator[Project]:
    """The checkout before the walk, with a typo in alertmanager.yml. `down -v` at the end."""
    alertmanager.write_text(TYPO, encoding="utf-8")
    project = Project(checkout, {**environ, "COMPOSE_PROFILES": "sandbox"}, "sandbox")
    try:
        yield project
    finally:
        project.try_compose("down", "-v", "--timeout", "5")


@pytest.fixture(scope="module")
def walk(project: Project) -> Walk:
    """Before its first step."""
    return Walk(project)


def edit(lead: int, **fields: str) -> None:
    """What an agent does in Lofty."""
    body = json.dumps({"edits": [{"edit": "update", "kind": "lead", "id": lead, "fields": fields}]}).encode()
    _post(f"{LOFTY}/edits?team={YOURS['TEAM_ID']}", body)


def _post(url: str, body: bytes) -> object:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=within(10)) as answer:
        return json.load(answer)


def towns() -> dict[str, str | None]:
    """In GHL: contact's e-mail → city."""
    found = get(f"{GHL}/contacts?location={YOURS['LOCATION_ID']}")["contacts"]
    return {one["email"]: one.get("city") for one in found}


def leads() -> list[dict[str, object]]:
    """In Lofty."""
    found = get(f"{LOFTY}/leads?team={YOURS['TEAM_ID']}")["leads"]
    return [one["lead"] for one in found]


def test_without_credentials_topics_says_at_once_what_is_missing(walk: Walk) -> None:
    """Steps 1 and 2, and then `up` without step 3: nothing starts, and every missing credential is named."""
    walk.take(1)
    walk.take(2, 300)
    folder = walk.project.folder
    (folder / "deploy/live/grafana-admin-password").write_text("not yet\n", encoding="utf-8")
    code, _, _ = walk.project.try_compose("up", "-d", seconds=180)
    _, output, errors = walk.project.try_compose("logs", "topics")
    assert code != 0
    for name in ("LOFTY_API_KEY", "GHL_TOKEN", "WEBHOOK_SECRET"):
        assert f"LOFTY_GHL_ACME_{name}" in output + errors
    assert walk.project.container("topics").exit_code == 2


def test_it_starts_although_alertmanager_cannot(walk: Walk) -> None:
    """Steps 3 and 4. A typo in alertmanager.yml keeps Alertmanager down, and nothing else."""
    walk.take(3)
    walk.take(4, 240)
    with step("everything that carries changes is healthy"):
        walk.project.until_well(RUNNING | {"prometheus", "grafana"})
    assert not walk.project.container("alertmanager").is_well
    assert {one.service: one.anonymous_volumes for one in walk.project.containers() if one.anonymous_volumes} == {}


def test_what_lofty_holds_is_carried(walk: Walk) -> None:
    """Steps 5 and 6."""
    people = [
        {"firstName": name, "emails": [f"{name.lower()}@example.com"], "city": "Austin"} for name in ("Ada", "Bob")
    ]
    _post(f"{LOFTY}/seed?team={YOURS['TEAM_ID']}", json.dumps({"leads": people}).encode())
    walk.take(5)
    walk.take(6)
    until(lambda: towns().keys() == {"ada@example.com", "bob@example.com"}, 60, "both are in GHL", lambda: str(towns()))


def test_a_first_edit_is_carried_and_verified(walk: Walk) -> None:
    """Step 7."""
    (ada,) = [one for one in leads() if one["firstName"] == "Ada"]
    edit(int(str(ada["leadId"])), city="Georgetown")
    until(lambda: towns()["ada@example.com"] == "Georgetown", 60, "the edit is in GHL", lambda: str(towns()))
    assert "acme" in walk.take(7)


def test_access_is_given_by_oauth(walk: Walk) -> None:
    """Step 8; edits arrive as before."""
    assert "acme" in walk.take(8)
    walk.project.until_well(RUNNING)
    (bob,) = [one for one in leads() if one["firstName"] == "Bob"]
    edit(int(str(bob["leadId"])), city="Cedar Park")
    until(lambda: towns()["bob@example.com"] == "Cedar Park", 90, "the edit is in GHL", lambda: str(towns()))


def test_three_workers_share_a_volume(walk: Walk) -> None:
    """`--scale worker=3`: each has a slot of its own."""
    walk.project.compose("up", "-d", "--scale", "worker=3", "--no-recreate", seconds=120)

    def workers() -> list[str]:
        return [one.id for one in walk.project.containers() if one.service == "worker" and one.is_well]

    with step("three workers are healthy"):
        until(lambda: len(workers()) == 3, 120, "three workers are healthy", walk.project.words)
    listed = attempt(["docker", "exec", workers()[0], "ls", "/var/lib/lofty-ghl"], walk.project.environ)[1]
    assert set(listed.split()) >= {"slot-1", "slot-2", "slot-3"}


def test_metrics_are_open_to_this_machine_alone(walk: Walk) -> None:
    """By default; the gateway's port is that of the webhooks."""
    ids = [one.id for one in walk.project.containers()]
    form = "{{range $port, $bound := .NetworkSettings.Ports}}{{range $bound}}{{.HostIp}} {{end}}{{end}}"
    hosts = attempt(["docker", "inspect", "-f", form, *ids], walk.project.environ)[1].split()
    assert set(hosts) == {"127.0.0.1"}


def test_live_alone_becomes_healthy_and_finds_its_volumes_again(walk: Walk, alertmanager: Path) -> None:
    """After `down` without `-v`, with the typo put right, as a plain `docker compose up` starts it: without the sandboxes."""
    walk.project.compose("down", "--timeout", "10", seconds=180)
    alertmanager.write_text((ROOT / ALERTMANAGER).read_text(encoding="utf-8"), encoding="utf-8")
    live = Project(walk.project.folder, {**walk.project.environ, "COMPOSE_PROFILES": "live"}, "live")
    with step("docker compose --profile live up -d"):
        live.compose("up", "-d", seconds=240)
        live.until_well(LIVE)
    assert {one.service for one in live.containers()} == LIVE


def test_nothing_of_the_walk_is_left(walk: Walk) -> None:
    """After `down -v`."""
    walk.project.compose("down", "-v", "--timeout", "10", seconds=180)
    assert walk.project.left() == {}
