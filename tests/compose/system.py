"""The whole of docker-compose.yml as processes of this machine, from Kafka to Prometheus; ended services come back."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from tests.compose.plan import Here, Service, native, replacer, services_of
from tests.deadlines import within
from tests.kafka.node import KafkaNode, free_ports

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = within(60)
STOP_SECONDS = within(20)
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, RAN_WELL_SECONDS = 0.1, 8.0, 10.0
"""How Docker starts again what ended; it waits up to a minute, which no test has."""
BINARIES = {"prom/prometheus": "prometheus", "prom/alertmanager": "prometheus-alertmanager"}
"""What runs an image of others here: Debian's packages. Kafka runs by `tests/kafka`; Grafana has no package, and does not run."""
TEXTS = {".toml", ".yml", ".yaml", ".json", ".tmpl"}

Rewrite = Callable[[Path, str], str]
"""Changes the text of a mounted file, before names are replaced: its path in the repository, its text."""


def why_unavailable() -> str | None:
    """What is missing to run it here, or None."""
    for binary in BINARIES.values():
        if shutil.which(binary) is None:
            return f"no {binary} on the PATH (Debian: apt-get install prometheus prometheus-alertmanager)"
    return None


class CutOff(Exception):
    """Somebody asked to end while services were starting."""


class DidNotStart(RuntimeError):
    """A service ended or kept silent. The text holds the end of its log."""


class _Kafka(KafkaNode):
    """A node that gives its start up when somebody asks to end."""

    def __init__(self, over: threading.Event) -> None:
        super().__init__()
        self._over = over

    def _check(self) -> None:
        if self._over.is_set():
            raise CutOff
        super()._check()


@dataclass(slots=True)
class Running:
    """One service that runs here."""

    service: Service
    argv: list[str]
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    _started_at: float = 0.0
    _wait_seconds: float = FIRST_WAIT_SECONDS
    is_wanted: bool = True

    def start(self) -> None:
        """Start the process; its log goes on."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.argv,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: we end them one after another
            )
        self.starts += 1
        self._started_at = time.monotonic()

    def start_again(self, now: float) -> None:
        """Start it if it has waited long enough: twice as long each time, from the beginning once it ran for a while."""
        if now - self._started_at > RAN_WELL_SECONDS:
            self._wait_seconds = FIRST_WAIT_SECONDS
        if now - self._started_at >= self._wait_seconds:
            self._wait_seconds = min(2 * self._wait_seconds, LONGEST_WAIT_SECONDS)
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def signal_all(self, number: signal.Signals) -> None:
        """Send it to the process, and then to those that it has started: a worker has several."""
        assert self.process is not None
        self.signal(number)
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), number)

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def is_healthy(self) -> bool:
        """Its own health check says so."""
        if self.service.health_url is None:
            return self.process is not None and self.process.poll() is None
        try:
            with urlopen(self.service.health_url, timeout=within(3)) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


@dataclass(slots=True)
class System:
    """What runs. `address` says where a service listens, as `host:port`."""

    folder: Path
    kafka: KafkaNode
    here: Here
    running: dict[str, Running] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def address(self, service: str, port: int) -> str:
        """Where a port of a service is found here."""
        return f"127.0.0.1:{self.here.ports[service, port]}"

    def url(self, service: str, port: int, path: str = "") -> str:
        """The same as an address of the web."""
        return f"http://{self.address(service, port)}{path}"

    def bring_back(self) -> None:
        """Start again what ended, as `restart: unless-stopped` does: at once, and later and later if it ends again soon."""
        while not self.over.wait(0.1):
            for one in self.running.values():
                ended = one.process is not None and one.process.poll() is not None
                if ended and one.is_wanted and one.service.comes_back and not self.over.is_set():
                    one.start_again(time.monotonic())

    def take_down(self) -> None:
        """End everything, the last started first."""
        self.over.set()
        for one in reversed(self.running.values()):
            one.is_wanted = False
            if one.process is None or one.process.poll() is not None:
                continue
            one.signal_all(signal.SIGCONT)
            one.signal(signal.SIGTERM)
            try:
                one.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()


@contextmanager
def system(
    folder: Path,
    profile: str = "demo",
    rewrite: Rewrite = lambda path, text: text,
    ports: dict[str, int] | None = None,
    over: threading.Event | None = None,
) -> Iterator[System]:
    """Run a profile of docker-compose.yml. `ports` asks for ports by service; all others are free ones.

    `over` may be set to ask for the end: then nothing more is started. Raises `DidNotStart`, and `CutOff` when it was set
    before all services were there.
    """
    services = load(profile)
    over = over or threading.Event()
    with _Kafka(over) as kafka:
        here = _places(services, folder, kafka.port, ports or {})
        found = System(folder, kafka, here, over=over)
        replace = replacer(services, here)
        try:
            for service in services:
                if found.over.is_set():
                    raise CutOff
                if (argv := _argv(service)) is None:
                    continue
                _fill(service, here, replace, rewrite)
                _start(found, native(service, here, replace), argv)
            threading.Thread(target=found.bring_back, name="bring back", daemon=True).start()
            yield found
        finally:
            found.take_down()


def load(profile: str) -> list[Service]:
    """The services of a profile, as the repository's file has them."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    lines = (ROOT / ".env").read_text(encoding="utf-8").splitlines()
    variables = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return services_of(compose, profile, variables)


def _places(services: list[Service], folder: Path, kafka_port: int, asked: dict[str, int]) -> Here:
    wanted = [(one.name, port) for one in services for port in one.ports]
    ports = dict(zip(wanted, free_ports(len(wanted)), strict=True))
    ports |= {key: asked[key[0]] for key in wanted if key[0] in asked}
    for one in services:
        if one.image.startswith("apache/kafka"):
            ports |= {(one.name, port): kafka_port for port in (*one.ports, 9092)}
    folders = {}
    for one in services:
        for mount in one.mounts:
            is_named = mount.source.startswith("volume:")
            folders[one.name, mount.target] = str(
                folder / mount.source.replace(":", "/") if is_named else folder / one.name / mount.target.lstrip("/")
            )
    return Here(ports, folders)


def _argv(service: Service) -> list[str] | None:
    """What runs a service's image here; None for Kafka, which runs already, and Grafana, which does not."""
    if service.image == "lofty-ghl":
        return [str(Path(sys.executable).with_name("lofty-ghl"))]
    binary = BINARIES.get(service.image.split(":")[0])
    return None if binary is None else [shutil.which(binary) or binary]


def _fill(service: Service, here: Here, replace: Callable[[str], str], rewrite: Rewrite) -> None:
    """Make the folders of a service: copies of what is mounted, with names replaced, and empty volumes."""
    for mount in service.mounts:
        target = Path(here.folders[service.name, mount.target])
        if mount.source.startswith("volume:") or not mount.source:
            target.mkdir(parents=True, exist_ok=True)
            continue
        source = ROOT / mount.source
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            shutil.copy(source, target)
            continue
        shutil.copytree(source, target)
        for copy in target.rglob("*"):
            if copy.suffix in TEXTS and copy.is_file():
                original = source / copy.relative_to(target)
                text = replace(rewrite(original.relative_to(ROOT), copy.read_text(encoding="utf-8")))
                for port in service.ports:
                    text = re.sub(rf"\blocalhost:{port}\b", f"127.0.0.1:{here.ports[service.name, port]}", text)
                copy.write_text(text, encoding="utf-8")


def _start(found: System, service: Service, argv: list[str]) -> None:
    """Start one service once what it waits for is as it must be."""
    for name, condition in service.after.items():
        other = found.running.get(name)
        if other is None:
            continue
        if condition == "service_completed_successfully":
            _until(found, other, lambda one=other: one.process is not None and one.process.poll() is not None)  # type: ignore[misc]  # of this round
            assert other.process is not None
            if other.process.returncode != 0:
                raise DidNotStart(f"{name} ended with {other.process.returncode}:\n{other.tail()}")
        elif condition == "service_healthy":
            _until(found, other, other.is_healthy)
    # As in the container: nothing of this shell's environment but what a process needs at all.
    environ = {"PATH": os.environ["PATH"], "HOME": str(found.folder), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    one = Running(service, [*argv, *service.command, *_listen(service)], environ, found.folder / f"{service.name}.log")
    one.environ |= service.environ
    found.running[service.name] = one
    one.start()


def _listen(service: Service) -> list[str]:
    """Their images listen where compose expects it; here the addresses are options."""
    match service.image.split(":")[0]:
        case "prom/prometheus":
            return [f"--web.listen-address=127.0.0.1:{service.ports[0]}"]
        case "prom/alertmanager":
            return [f"--web.listen-address=127.0.0.1:{service.ports[0]}", "--cluster.listen-address="]
        case _:
            return []


def _until(found: System, one: Running, claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not claim():
        if found.over.is_set():
            raise CutOff
        ended = one.process is not None and one.process.poll() is not None
        if ended and one.service.comes_back:
            raise DidNotStart(f"{one.service.name} ended:\n{one.tail()}")
        if time.monotonic() > deadline:
            raise DidNotStart(f"{one.service.name} was not ready in {READY_SECONDS:.0f} s:\n{one.tail()}")
        time.sleep(0.1)


def until_healthy(found: System) -> None:
    """Return once every service that has a health check passes it."""
    for one in found.running.values():
        if one.service.health_url is not None:
            with suppress(AttributeError):
                _until(found, one, one.is_healthy)
