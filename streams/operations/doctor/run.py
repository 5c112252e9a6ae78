"""Runs all checks concurrently, each with a deadline: a check that fails stops no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from aiokafka.errors import KafkaError

from streams.mapping_versions.errors import NoMappings
from streams.mapping_versions.store import settings_now
from streams.operations.doctor import kafka, machine, tokens, vendors
from streams.operations.doctor.check_result import CheckResult, exit_code
from streams.operations.doctor.lofty_keys import LoftyKeys, key_of
from streams.operations.doctor.machine import Space, free_bytes
from streams.operations.doctor.notified import notified
from streams.operations.doctor.reached import reached_kafka
from streams.operations.doctor.turns import Turn, Turns, least_seconds
from streams.settings import Connection, Settings
from streams.settings.model import paused_words

CHECK_SECONDS = 12.0

Run = Callable[[], AsyncIterator[CheckResult] | Iterator[CheckResult]]

Progress = Callable[[int, int], None]
"""Called with the number of checks that have ended, and of all."""

Foretell = Callable[[float], None]
"""Called once, with the seconds that the vendors' limits make it last at least."""

GHL_REQUESTS, LOFTY_REQUESTS = 4, 2
"""What a check asks for, at most; a key of Lofty that may not ask whose it is, once more, and so does a location whose pipelines are looked at."""


@dataclass(frozen=True, slots=True)
class Examination:
    """The results of all checks, in their order."""

    verdicts: tuple[CheckResult, ...]

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code(self.verdicts)


@dataclass(frozen=True, slots=True)
class Check:
    """One check, of one `connection` or of the deployment. `needs_kafka`: it is skipped while Kafka is away.

    `turn` is what it asks of a vendor's limit: its time begins when its turn has come.
    """

    name: str
    run: Run
    needs_kafka: bool = False
    connection: str = ""
    turn: Turn | None = None


async def examine(
    settings: Settings,
    *,
    now: Callable[[], float] = time.time,
    space: Space = free_bytes,
    check_seconds: float = CHECK_SECONDS,
    only: Collection[str] | None = None,
    at_once: int | None = None,
    on_progress: Progress = lambda _done, _of: None,
    foretell: Foretell = lambda _seconds: None,
    turns: Turns | None = None,
) -> Examination:
    """Run all checks. `now` is this machine's clock in seconds. A failing check is a result, and never raises.

    Of each vendor's limit half is used (`turns`); `foretell` gets how long that takes.
    `only`: the vendors of these connections are asked, by their ids. `at_once`: so many checks run at a time, by default all.
    """
    reached = asyncio.ensure_future(reached_kafka(settings))
    edited = await _with_edits(settings, reached, check_seconds)
    knows_all, settings = edited is not None, edited or settings
    async with vendors.vendor_transport() as transport, LoftyKeys(transport, now) as keys:
        checks = tuple(_checks(settings, now, space, only, keys, knows_all=knows_all))
        foretell(least_seconds(check.turn for check in checks))
        limits, places, ended = turns or Turns(), asyncio.Semaphore(at_once or len(checks)), 0

        async def run(check: Check) -> list[CheckResult]:
            nonlocal ended
            await limits.wait(check.turn)
            async with places:
                results = await _run(check, reached, check_seconds)
            ended += 1
            on_progress(ended, len(checks))
            return results

        found = await asyncio.gather(*map(run, checks))
    configured = CheckResult("configuration", "file", "ok", f"{len(settings.connections)} connections, no problem")
    trouble = (
        CheckResult("connection", name, "wrong", words, "change the connection in the console, or fix the keys", name)
        for name, words in settings.connection_trouble.items()
    )
    paused = _paused(settings)
    return Examination(
        (configured, *trouble, *paused, await reached, *(result for results in found for result in results))
    )


def _paused(settings: Settings) -> Iterator[CheckResult]:
    for name, one in settings.connections.items():
        if one.paused:
            says = f"paused {paused_words(one.paused)}: no request is made, and what comes in waits"
            in_file = f"set paused = false in [connections.{one.label}]"
            mend = in_file if one.managed == "file" else "resume it in the console"
            yield CheckResult("connection", name, "warning", says, mend, name)


async def _with_edits(settings: Settings, reached: asyncio.Future[CheckResult], seconds: float) -> Settings | None:
    """The settings with the connections that were added and changed since, None where those cannot be read."""
    if settings.oauth_secrets.token_keys is None:
        return settings  # nobody can edit one
    if (await reached).level != "ok":
        return None
    try:
        async with asyncio.timeout(seconds):
            return await settings_now(settings)
    except (KafkaError, OSError, TimeoutError):
        return None


def _checks(
    settings: Settings,
    now: Callable[[], float],
    space: Space,
    only: Collection[str] | None,
    keys: LoftyKeys,
    *,
    knows_all: bool,
) -> Iterable[Check]:
    def now_ms() -> int:
        return int(now() * 1000)

    stored = tokens.StoredTokens(settings)
    yield Check("topics", lambda: kafka.topics(settings), needs_kafka=True)
    yield Check("workers", lambda: kafka.workers(settings), needs_kafka=True)
    yield Check("mapping", lambda: kafka.mappings(settings), needs_kafka=True)
    yield Check("tokens", lambda: tokens.tokens(settings, stored, now_ms()), needs_kafka=True)
    yield Check("webhooks", lambda: kafka.ghl_webhooks(settings, now_ms()), needs_kafka=True)
    yield Check("credentials", lambda: machine.credentials(settings))
    yield Check("keys", lambda: machine.keys(settings))
    yield Check("notifications", lambda: notified(settings, knows_all=knows_all))
    yield Check("disk", lambda: machine.disk(settings, space))
    for name, connection in settings.connections.items():
        if only is not None and name not in only:
            continue
        by_oauth = connection.ghl.auth == "oauth"
        ghl = partial(vendors.ghl, settings, connection, stored, keys.transport, now)
        yield Check(f"GHL of {name}", ghl, by_oauth, name, _ghl_turn(connection))
        lofty = partial(vendors.lofty, settings, connection, keys)
        yield Check(f"Lofty of {name}", lofty, connection=name, turn=_lofty_turn(connection))


def _ghl_turn(connection: Connection) -> Turn:
    a_second = connection.ghl.requests_per_window / connection.ghl.window_seconds
    requests = GHL_REQUESTS + bool(connection.stages)
    return Turn(f"GHL {connection.ghl_budget}", connection.name, requests, a_second)


def _lofty_turn(connection: Connection) -> Turn | None:
    key, a_second = key_of(connection), connection.lofty.requests_per_minute / 60
    return Turn(f"Lofty {connection.lofty_budget}", key, LOFTY_REQUESTS, a_second) if key is not None else None


async def _run(check: Check, reached: asyncio.Future[CheckResult], seconds: float) -> list[CheckResult]:
    found = await _results(check, reached, seconds)
    if not check.connection:
        return found
    # The clock is this machine's, whichever connection it was compared for.
    return [one if one.check == "clock" else replace(one, connection=check.connection) for one in found]


async def _results(check: Check, reached: asyncio.Future[CheckResult], seconds: float) -> list[CheckResult]:
    found: list[CheckResult] = []
    if check.needs_kafka and (await asyncio.shield(reached)).level != "ok":
        return [CheckResult(check.name, check.name, "not looked at", "Kafka is away", "fix that first")]
    try:
        async with asyncio.timeout(seconds):
            results = check.run()
            if isinstance(results, Iterator):
                found += results
            else:
                async for result in results:  # one by one: what is found before the deadline counts
                    found.append(result)
    except TimeoutError:
        words = f"no answer within {seconds:.0f} s"
        found.append(
            CheckResult(check.name, check.name, "not looked at", words, "retry; if it stays, check that system")
        )
    except NoMappings as error:
        found.append(CheckResult(check.name, error.topic, "wrong", "the topic is missing", "lofty-ghl topics create"))
    except Exception as error:  # a check that fails is a finding, whatever it is
        words = f"the check failed: {type(error).__name__}: {error}"
        found.append(CheckResult(check.name, check.name, "not looked at", words, "fix the problems above first"))
    return found
