"""Checks of Kafka and of what stands in it: topics, workers and their lag, the mappings, sealed tokens, GHL's webhooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from connectors.errors import SealError
from streams.core.token_row import TokenRow
from streams.kafka.admin import inspect
from streams.kafka.error_texts import missing_right
from streams.kafka.topic_reader import each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.mapping_versions.store import MappingVersions
from streams.messages import InvalidMessage
from streams.messages.topics import GHL_CHANGES, TOKENS_TABLE, TopicNames
from streams.oauth.grants import Grants, wanted_scopes
from streams.operations.doctor.check_result import CLOCK_SECONDS, CheckResult
from streams.operations.parked.waiting import count_parked
from streams.operations.status.health import troubles
from streams.operations.status.overview import Overview
from streams.operations.status.reader import read_overview
from streams.settings import Settings

MANY_RECORDS = 10_000
OLD_MS = 15 * 60_000
QUIET_DAYS = 3.0


async def topics(settings: Settings) -> AsyncIterator[CheckResult]:
    """Each topic as it must be: there, with the right number of partitions and the right settings."""
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
        yield CheckResult("topics", "settings", "warning", says, "give the right, or look with another principal")
    if not wrong:
        yield CheckResult(
            "topics", "all", "ok", f"{len(states)} topics with {settings.kafka.partitions} partitions each"
        )


async def workers(settings: Settings) -> AsyncIterator[CheckResult]:
    """Who works, on what, with which mapping and clock; and what waits."""
    seen, parked = await asyncio.gather(read_overview(settings), count_parked(settings))
    overview = replace(seen, parked_open=parked)
    now_ms = time.time_ns() // 1_000_000
    for verdict in judge_workers(overview, now_ms):
        yield verdict


def judge_workers(overview: Overview, now_ms: int) -> list[CheckResult]:
    """What the workers' own words tell."""
    alive = overview.alive
    if not alive:
        none = CheckResult("workers", "workers", "wrong", "none is alive: nothing is carried", "lofty-ghl worker")
        return [none, *(one for one in _health(overview) if one.subject != "workers")]
    found = [CheckResult("workers", "workers", "ok", f"{len(alive)} alive")]
    starting = [one.status.instance for one in alive if one.state == "starting"]
    if overview.unowned and not starting:
        says = f"nobody acts for {len(overview.unowned)} of {overview.partitions} partitions"
        mend = "is a rebalance under way? If it stays: restart the workers, their logs say why"
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
        says = f"work by versions {', '.join(map(str, overview.mapping_versions))} of the mappings"
        found.append(
            CheckResult("mapping", "workers", "warning", says, "wait for the hand-over; else restart the oldest")
        )
    for budget in overview.budgets:
        if budget.paused:
            subject = f"{budget.dispatcher} budget {budget.budget}"
            found.append(
                CheckResult(
                    "budgets", subject, "warning", f"paused: {budget.because or budget.paused}", "lofty-ghl status"
                )
            )
    for lag in overview.lags:
        is_old = lag.oldest_ms is not None and now_ms - lag.oldest_ms > OLD_MS
        if lag.records > MANY_RECORDS or is_old:
            old = f", the oldest since {(now_ms - (lag.oldest_ms or now_ms)) // 60_000} min" if is_old else ""
            found.append(
                CheckResult(
                    "lag", lag.topic, "warning", f"{lag.records} records wait{old}", "start another lofty-ghl worker"
                )
            )
    return found + _health(overview)


def _health(overview: Overview) -> list[CheckResult]:
    """What `status` tells and no check above does: the two never differ about what is wrong."""
    told = {"mapping", "partitions", "budget", "lag"}
    return [
        CheckResult(one.kind, one.subject, "wrong", one.says, one.mend)
        for one in troubles(overview)
        if one.kind not in told
    ]


async def mappings(settings: Settings) -> AsyncIterator[CheckResult]:
    """Whether the newest edited mappings compile with this configuration."""
    async with MappingVersions(settings) as desk:
        state = desk.state()
    if not state.broken:
        yield CheckResult(
            "mapping", "mappings", "ok", f"version {state.version} is in force" if state.version else "as the file says"
        )
        return
    says = f"version {state.version} does not compile, version {state.in_force_version} is used: {state.broken[0]}"
    mend = f"lofty-ghl mapping revert {state.in_force_version}, or mend the text: lofty-ghl mapping edit NAME"
    yield CheckResult("mapping", "mappings", "wrong", says, mend)


async def tokens(settings: Settings, now_ms: int) -> AsyncIterator[CheckResult]:
    """OAuth: whether each connection has tokens that our keys open, with the scopes that it needs."""
    grants = Grants.of(settings)
    if grants is None:
        return
    rows = await token_rows(settings)
    for one in settings.connections.values():
        sides = []
        if one.ghl.auth == "oauth":
            sides.append(("ghl", grants.ghl(one).token, wanted_scopes(one)))
        if one.lofty.auth == "oauth":
            sides.append(("lofty", grants.lofty(one).token, ()))
        for vendor, token, scopes in sides:
            connect = f"lofty-ghl connect {vendor} --connection {one.name}"
            yield _token(grants, f"{vendor} of {one.name}", token, rows.get(token), scopes, connect, now_ms)


def _token(
    grants: Grants, subject: str, token: str, row: TokenRow | None, scopes: tuple[str, ...], connect: str, now_ms: int
) -> CheckResult:
    if row is None:
        return CheckResult("tokens", subject, "wrong", "nobody has given access yet", connect)
    try:
        pair = grants.open(token, row.sealed)
    except SealError as error:
        mend = f"put the key that sealed it back behind the first in LOFTY_GHL_TOKEN_KEYS, or {connect}"
        return CheckResult("tokens", subject, "wrong", str(error), mend)
    missing = sorted({*scopes} - {*pair.scopes}) if pair.scopes else []
    if missing:
        return CheckResult(
            "scopes", subject, "wrong", f"the grant lacks {' '.join(missing)}", f"{connect}, with these scopes"
        )
    if not grants.ring.is_current(row.sealed):
        return CheckResult("tokens", subject, "warning", "is sealed under an old key", "lofty-ghl secrets rotate")
    if pair.expires_at_ms < now_ms:
        says = "has expired and was not renewed: its worker is away, or the grant was revoked"
        return CheckResult("tokens", subject, "warning", says, f"start lofty-ghl worker; if it stays: {connect}")
    return CheckResult(
        "tokens", subject, "ok", f"opens, and lasts {(pair.expires_at_ms - now_ms) // 60_000} min until it is renewed"
    )


async def token_rows(settings: Settings) -> dict[str, TokenRow]:
    """The tokens as the workers keep them, by name."""
    topic = TopicNames(settings.kafka.topic_prefix).changelog(TOKENS_TABLE)
    rows: dict[str, TokenRow] = {}
    async for record in each_record(settings, topic):
        name = (record.key or b"").decode(errors="replace")
        if record.value is None:
            rows.pop(name, None)
            continue
        try:
            rows[name] = TokenRow.from_bytes(record.value)
        except InvalidMessage as error:
            skip_unreadable(topic, record.partition, record.offset, error)
    return rows


async def ghl_webhooks(settings: Settings, now_ms: int) -> AsyncIterator[CheckResult]:
    """Whether GHL's webhooks came lately, where something flows back."""
    if not any(one.back.types for one in settings.connections.values()):
        return
    topic = TopicNames(settings.kafka.topic_prefix).of(GHL_CHANGES)
    newest = 0
    async for record in each_record(settings, topic, newest=1):
        newest = max(newest, record.timestamp)
    url = f"{settings.gateway.public_url or 'https://YOUR-HOST'}/ghl/webhooks"
    mend = f"put {url} into the app's default webhook URL at GHL, and switch the events on"
    days = (now_ms - newest) / 86_400_000
    if not newest:
        yield CheckResult("webhooks", "GHL", "warning", "none has come yet", mend)
    elif days > QUIET_DAYS:
        yield CheckResult("webhooks", "GHL", "warning", f"none has come for {days:.0f} days", mend)
    else:
        yield CheckResult("webhooks", "GHL", "ok", f"the last came {max(0, now_ms - newest) // 60_000} min ago")
