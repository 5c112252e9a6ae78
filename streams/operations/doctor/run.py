"""Runs all checks side by side, each with a deadline: one that fails keeps no other from being looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from streams.kafka.clients import demand_group, reach
from streams.kafka.error_texts import KafkaMisconfigured, KafkaRefused
from streams.kafka.rights import READS, demand_rights
from streams.mapping_versions.errors import NoMappings
from streams.messages.topics import TopicNames
from streams.operations.doctor import kafka, machine, vendors
from streams.operations.doctor.check_result import CheckResult, exit_code
from streams.operations.doctor.machine import Space, free_bytes
from streams.settings import Settings

CHECK_SECONDS = 12.0

Found = Callable[[], AsyncIterator[CheckResult] | Iterator[CheckResult]]


@dataclass(frozen=True, slots=True)
class Examination:
    """What all checks say, in their order."""

    verdicts: tuple[CheckResult, ...]

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return exit_code(self.verdicts)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `needs_kafka`: it is not looked at while Kafka is away."""

    name: str
    run: Found
    needs_kafka: bool = False


async def examine(
    settings: Settings,
    *,
    now: Callable[[], float] = time.time,
    space: Space = free_bytes,
    check_seconds: float = CHECK_SECONDS,
) -> Examination:
    """Look at everything. `now` is this machine's clock in seconds; never raises for what it finds."""
    reached = asyncio.ensure_future(_reach(settings))
    checks = tuple(_checks(settings, now, space))
    found = await asyncio.gather(*(_run(check, reached, check_seconds) for check in checks))
    configured = CheckResult("configuration", "file", "ok", f"{len(settings.connections)} connections, no problem")
    return Examination((configured, await reached, *(verdict for some in found for verdict in some)))


def _checks(settings: Settings, now: Callable[[], float], space: Space) -> Iterable[Check]:
    def now_ms() -> int:
        return int(now() * 1000)

    yield Check("topics", lambda: kafka.topics(settings), needs_kafka=True)
    yield Check("workers", lambda: kafka.workers(settings), needs_kafka=True)
    yield Check("mapping", lambda: kafka.mappings(settings), needs_kafka=True)
    yield Check("tokens", lambda: kafka.tokens(settings, now_ms()), needs_kafka=True)
    yield Check("webhooks", lambda: kafka.ghl_webhooks(settings, now_ms()), needs_kafka=True)
    yield Check("credentials", lambda: machine.credentials(settings))
    yield Check("keys", lambda: machine.keys(settings))
    yield Check("disk", lambda: machine.disk(settings, space))
    for one in settings.connections.values():
        by_oauth = one.ghl.auth == "oauth"
        yield Check(f"GHL of {one.name}", lambda one=one: vendors.ghl(settings, one, now), needs_kafka=by_oauth)  # type: ignore[misc]  # mypy does not infer lambdas with defaults
        yield Check(f"Lofty of {one.name}", lambda one=one: vendors.lofty(settings, one, now))  # type: ignore[misc]  # the same


async def _reach(settings: Settings) -> CheckResult:
    subject = settings.kafka.bootstrap_servers
    try:
        found = await reach(settings)
        names = TopicNames(settings.kafka.topic_prefix)
        await demand_rights(settings, names.specs(), READS)
        await demand_group(settings, names.group)
    except KafkaMisconfigured as error:
        return CheckResult("Kafka", "kafka.ssl_cafile", "wrong", str(error), "mend the setting")
    except KafkaRefused as error:
        return CheckResult("Kafka", subject, "away", str(error), "mend the setting or the right that it names")
    except (KafkaError, OSError) as error:
        says = " ".join(str(one) for one in error.args) or type(error).__name__
        mend = "start Kafka (docker compose up -d), or set kafka.bootstrap_servers or LOFTY_GHL_KAFKA"
        return CheckResult("Kafka", subject, "away", says, mend)
    return CheckResult("Kafka", subject, "ok", f"answers, with {len(found)} topics")


async def _run(check: Check, reached: asyncio.Future[CheckResult], seconds: float) -> list[CheckResult]:
    found: list[CheckResult] = []
    if check.needs_kafka and (await asyncio.shield(reached)).level != "ok":
        return [CheckResult(check.name, check.name, "not looked at", "Kafka is away", "mend that first")]
    try:
        async with asyncio.timeout(seconds):
            verdicts = check.run()
            if isinstance(verdicts, Iterator):
                found += verdicts
            else:
                async for verdict in verdicts:
                    found.append(verdict)
    except TimeoutError:
        words = f"no answer within {seconds:.0f} s"
        found.append(
            CheckResult(check.name, check.name, "not looked at", words, "try it again; if it stays, look there")
        )
    except NoMappings as error:
        found.append(CheckResult(check.name, error.topic, "wrong", "the topic is missing", "lofty-ghl topics create"))
    except Exception as error:  # a check that fails is a finding, whatever it is
        words = f"the check failed: {type(error).__name__}: {error}"
        found.append(CheckResult(check.name, check.name, "not looked at", words, "mend what the lines above say first"))
    return found
