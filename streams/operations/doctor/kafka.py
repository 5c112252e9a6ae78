"""Checks of Kafka and of what it holds: topics, workers and their lag, mapping versions, GHL's webhooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from streams.kafka.admin import inspect
from streams.kafka.error_texts import missing_right
from streams.kafka.growth import read_growth
from streams.kafka.topic_reader import each_record
from streams.mapping_versions.store import MappingVersions
from streams.messages.topics import GHL_CHANGES, TopicNames
from streams.operations.doctor.check_result import CLOCK_SECONDS, CheckResult
from streams.operations.parked.waiting import count_parked
from streams.operations.status.health import problems_of
from streams.operations.status.overview import Overview
from streams.operations.status.reader import read_overview
from streams.settings import Settings

MANY_RECORDS = 10_000
OLD_MS = 15 * 60_000
QUIET_DAYS = 3.0


async def topics(settings: Settings) -> AsyncIterator[CheckResult]:
    """Each topic exists, with the right number of partitions and the right settings."""
    if (growth := await read_growth(settings)) is not None and growth.is_open:
        mend = f"lofty-ghl partitions grow --to {growth.to_partitions}"
        yield CheckResult("topics", "more partitions", "warning", growth.words, mend)
    states = await inspect(settings)
    wrong = [state for state in states if state.problem]
    missing = [state for state in wrong if not state.exists]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield CheckResult("topics", f"{missing[0].name}{more}", "wrong", "missing", "lofty-ghl topics create")
    for state in wrong:
        if not state.exists:
            continue
        if state.partitions != settings.kafka.partitions:
            says = f"has {state.partitions} partitions, kafka.partitions says {settings.kafka.partitions}"
            mend = f"set kafka.partitions = {state.partitions}, the number that the topics have"
            yield CheckResult("topics", state.name, "wrong", says, mend)
        else:
            change = ",".join(f"{key}={value}" for key, value in state.wanted.items())
            mend = f"kafka-configs.sh --alter --entity-type topics --entity-name {state.name} --add-config {change}"
            yield CheckResult("topics", state.name, "wrong", state.problem, mend)
    if unseen := [state.name for state in states if not state.is_compared]:
        says = f"settings are not compared: {missing_right(settings.kafka, 'DescribeConfigs', unseen)}"
        yield CheckResult(
            "topics", "settings", "warning", says, "grant the right, or run the doctor as another principal"
        )
    if not wrong:
        yield CheckResult(
            "topics", "all", "ok", f"{len(states)} topics with {settings.kafka.partitions} partitions each"
        )


async def workers(settings: Settings) -> AsyncIterator[CheckResult]:
    """The workers, their partitions, mappings and clocks, and the lag."""
    overview, parked = await asyncio.gather(read_overview(settings), count_parked(settings))
    for result in check_workers(replace(overview, parked_open=parked), time.time_ns() // 1_000_000):
        yield result


def check_workers(overview: Overview, now_ms: int) -> list[CheckResult]:
    """Check what the workers report of themselves."""
    alive = overview.alive
    if not alive:
        none = CheckResult("workers", "workers", "wrong", "none is alive: nothing is synced", "lofty-ghl worker")
        return [none, *(one for one in _health(overview) if one.subject != "workers")]
    found = [CheckResult("workers", "workers", "ok", f"{len(alive)} alive")]
    starting = [one.status.instance for one in alive if one.state == "starting"]
    if overview.unowned and not starting:
        says = f"no worker owns {len(overview.unowned)} of {overview.partitions} partitions"
        mend = "wait for the end of a rebalance; if it stays, restart the workers: their logs say why"
        found.append(CheckResult("workers", "partitions", "wrong", says, mend))
    for one in alive:
        if one.status.mapping_trouble:
            mend = "lofty-ghl mapping show, then mapping edit or mapping revert"
            found.append(
                CheckResult("mapping", f"worker {one.status.instance}", "wrong", one.status.mapping_trouble, mend)
            )
        if one.status.at_ms > now_ms + CLOCK_SECONDS * 1000:
            says = f"its clock is {(one.status.at_ms - now_ms) / 1000:.1f} s ahead of ours"
            mend = f"switch on time synchronisation on {one.status.host or 'its machine'} and here"
            found.append(CheckResult("clock", f"worker {one.status.instance}", "wrong", says, mend))
    if len(overview.mapping_versions) > 1:
        says = f"use versions {', '.join(map(str, overview.mapping_versions))} of the mappings"
        found.append(
            CheckResult(
                "mapping",
                "workers",
                "warning",
                says,
                "wait until all have switched; if they do not, restart the oldest",
            )
        )
    for budget in overview.budgets:
        if budget.paused:
            subject = f"{budget.dispatcher} budget {budget.budget}"
            found.append(
                CheckResult(
                    "budgets", subject, "warning", f"paused: {budget.because or budget.paused}", "lofty-ghl status"
                )
            )
    found += [
        CheckResult("schedule", late.subject, "warning", late.says, late.mend, _only(late.about.connections))
        for late in problems_of(overview)
        if late.about.cause == "schedule"
    ]
    for connection in overview.connections:
        if connection.writing is not None and connection.writing.unmarked:
            says = f"another deployment on its GHL location is not noticed: {connection.writing.unmarked}"
            mend = "give the token the scopes locations/customValues.readonly and locations/customValues.write"
            name = connection.connection
            found.append(CheckResult("scopes", f"connection {name}", "warning", says, mend, name))
    for lag in overview.lags:
        is_old = lag.oldest_ms is not None and now_ms - lag.oldest_ms > OLD_MS
        if lag.records > MANY_RECORDS or is_old:
            old = f", the oldest for {(now_ms - (lag.oldest_ms or now_ms)) // 60_000} min" if is_old else ""
            found.append(
                CheckResult(
                    "lag", lag.topic, "warning", f"{lag.records} records wait{old}", "start another lofty-ghl worker"
                )
            )
    return found + _health(overview)


def _health(overview: Overview) -> list[CheckResult]:
    """The problems that `status` reports and no check above does: so the two commands never differ about what is wrong."""
    checked = {"mapping", "partitions", "budget", "lag"}
    return [
        CheckResult(
            "parked" if one.about.cause == "parked" else one.kind,
            one.subject,
            "wrong",
            one.says,
            one.mend,
            _only(one.about.connections),
        )
        for one in problems_of(overview)
        if one.kind not in checked
    ]


def _only(connections: tuple[str, ...]) -> str:
    return connections[0] if len(connections) == 1 else ""


async def mappings(settings: Settings) -> AsyncIterator[CheckResult]:
    """Whether the newest edited mappings compile with this configuration."""
    async with MappingVersions(settings) as versions:
        state = versions.state()
    if not state.broken:
        yield CheckResult(
            "mapping",
            "mappings",
            "ok",
            f"version {state.version} is in use" if state.version else "as in the configuration file",
        )
        return
    says = f"version {state.version} does not compile, so version {state.in_force_version} is used: {state.broken[0]}"
    mend = f"lofty-ghl mapping revert {state.in_force_version}, or fix the text: lofty-ghl mapping edit NAME"
    yield CheckResult("mapping", "mappings", "wrong", says, mend)


async def ghl_webhooks(settings: Settings, now_ms: int) -> AsyncIterator[CheckResult]:
    """Whether GHL's webhooks came lately, where a connection syncs to Lofty."""
    if not any(one.back.types for one in settings.connections.values()):
        return
    topic = TopicNames(settings.kafka.topic_prefix).of(GHL_CHANGES)
    newest = 0
    async for record in each_record(settings, topic, newest=1):
        newest = max(newest, record.timestamp)
    url = f"{settings.gateway.public_url or 'https://YOUR-HOST'}/ghl/webhooks"
    mend = f"put {url} into the app's default webhook URL at GHL, and enable its events"
    days = (now_ms - newest) / 86_400_000
    if not newest:
        yield CheckResult("webhooks", "GHL", "warning", "none was received yet", mend)
    elif days > QUIET_DAYS:
        yield CheckResult("webhooks", "GHL", "warning", f"none was received for {days:.0f} days", mend)
    else:
        yield CheckResult("webhooks", "GHL", "ok", f"the last was received {max(0, now_ms - newest) // 60_000} min ago")
