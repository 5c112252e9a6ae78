"""What every test may ask for: brokers. And two rules of CI: a skip is a failure, and hypothesis repeats itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.kafka.broker import Broker, embedded_broker
from tests.kafka.real import NoKafkaError
from tests.kafka.shared import LendsKafka, borrowed_kafka

IS_CI = os.environ.get("CI", "").lower() in {"1", "true"}

settings.register_profile(
    "local", deadline=None
)  # a busy machine makes single examples slow; the suite has its timeout
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if IS_CI else "local")


def pytest_configure(config: pytest.Config) -> None:
    """xdist's controller has the real Kafka of all its workers."""
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(LendsKafka(), "lofty-ghl-lends-kafka")


@pytest.fixture(scope="module")
def embedded_kafka() -> Iterator[Broker]:
    """The embedded broker, one for a file: use topics and groups of your own.

    It deletes no topic: what asks it for all topics would wait longer with each test, if it lived for the whole run.
    """
    with embedded_broker() as found:
        yield found


@pytest.fixture(scope="session")
def real_kafka(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A real Kafka, one for the whole run: use topics and groups of your own, and do not stop it."""
    try:
        opened = borrowed_kafka(request.config)
        found = opened.__enter__()
    except NoKafkaError as error:
        pytest.skip(str(error))
    try:
        yield found
    finally:
        opened.__exit__(None, None, None)


@pytest.fixture(scope="module", params=["embedded", "real"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each of the two in turn: what a test says of Kafka holds on both."""
    found: Broker = request.getfixturevalue(f"{request.param}_kafka")
    return found


_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember skips; an expected failure is not one."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(f"{report.nodeid}: {_reason(report)}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file can be skipped as a whole, too."""
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {_reason(report)}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing may be skipped: what was not tested there is not known to work."""
    if IS_CI and _skipped and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped when that is why CI fails."""
    if IS_CI and _skipped:
        terminalreporter.section("CI=true: skipped tests are failures", red=True, bold=True)
        for line in _skipped:
            terminalreporter.line(line)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
