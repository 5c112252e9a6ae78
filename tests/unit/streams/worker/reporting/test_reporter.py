"""What readiness and the status say of a worker that does not get on, and of what fails again and again."""

from __future__ import annotations

from typing import Any

from streams.core.rows import FetchRow, LinkRow, OutboxRow
from streams.core.to_lofty.opt_outs import close_channels
from streams.core.to_lofty.rows import LoftyCommandRow
from streams.mapping.opt_outs import OPT_OUTS, mark
from streams.messages import Entity, Snapshot
from streams.messages.topics import TopicNames
from streams.messages.worker_status import STUCK_LOOKS
from streams.settings import parse_settings
from streams.worker.dependencies import Dependencies
from streams.worker.reporting import Reporter
from streams.worker.reporting.open_rows import MANY_ATTEMPTS, OpenRows


def test_a_worker_whose_commits_do_not_move_does_not_get_on() -> None:
    """From half of what ends it on, until one moves."""
    settings = parse_settings(
        '[kafka]\nbootstrap_servers = "localhost:9092"\n', {}, read_file=lambda _: "", source="test"
    )
    reporter = Reporter(settings, TopicNames(), Dependencies())
    for looks, gets_on in ((0, True), (STUCK_LOOKS - 1, True), (STUCK_LOOKS, False), (0, True)):
        reporter.looked(looks)
        assert reporter.gets_on is gets_on


def row(attempts: int, parked: str = "") -> FetchRow:
    """A read that failed so often."""
    return FetchRow(
        connection="acme",
        lead="1",
        kind="contact",
        id="1",
        operation="updated",
        newest_update_ms=1,
        oldest_update_ms=1,
        accepted_ms=1,
        origin="webhook",
        attempts=attempts,
        last_error="500: no",
        parked=parked,
    )


CONTACT = Entity.contact("acme", "1").key
READ_MS = 7


def wanted(state: dict[str, Any], parked: str = "") -> OutboxRow:
    """The desired state of a contact."""
    snapshot = Snapshot(
        connection="acme",
        lead="1",
        kind="contact",
        id="1",
        state=state,
        version_ms=1,
        fingerprint="f",
        read_ms=READ_MS,
        update_time_ms=1,
        accepted_ms=1,
    )
    return OutboxRow(snapshot=snapshot, parked=parked)


def test_what_fails_again_and_again_is_counted_until_it_does_not() -> None:
    """Parked it waits for a person instead; a partition that goes takes its own along."""
    rows = OpenRows()
    for partition, lead in ((0, "1"), (0, "2"), (1, "3")):
        rows.fetch(partition, f"acme:{lead}:contact:{lead}", row(MANY_ATTEMPTS))
    rows.fetch(0, "acme:4:contact:4", row(MANY_ATTEMPTS - 1))
    assert rows.reads.of("acme") == (3, "500: no")
    rows.fetch(0, "acme:1:contact:1", None)
    assert rows.reads.of("acme") == (2, "500: no")
    rows.fetch(0, "acme:2:contact:2", row(MANY_ATTEMPTS, parked="fails every time"))
    assert rows.reads.of("acme") == (1, "500: no")
    rows.forget([1])
    assert rows.reads.of("acme") == (0, "")
    assert rows.reads.of("other") == (0, "")


def test_an_opt_out_counts_since_it_is_known_until_the_other_side_has_it() -> None:
    """Parked or not; not for a contact that is not in GHL, whom nobody can write to from there."""
    rows, links = OpenRows(), {CONTACT: LinkRow(ghl_id="g")}
    rows.link_of = lambda _partition, key: links.get(key)
    rows.desired(0, CONTACT, wanted({"cannotText": True}, parked="no"))
    assert rows.opt_outs.oldest_ms("acme") == READ_MS
    links[CONTACT] = LinkRow(ghl_id="g", fields={OPT_OUTS: mark({"SMS"})})
    rows.desired(0, CONTACT, wanted({"cannotText": True}))
    assert rows.opt_outs.oldest_ms("acme") is None
    rows.desired(0, CONTACT, wanted({"cannotText": True, "cannotCall": True}))
    rows.forget([0])
    links.clear()
    rows.desired(1, CONTACT, wanted({"cannotText": True}))
    assert rows.opt_outs.oldest_ms("acme") is None


def test_an_opt_out_on_its_way_to_lofty_counts_too() -> None:
    """Until its command is settled."""
    rows = OpenRows()
    write = close_channels(Entity.contact("acme", "1"), {"SMS"}, 5, 5)
    rows.lofty_command(0, write.key, LoftyCommandRow(write=write, parked="no"))
    assert rows.lofty_opt_outs.oldest_ms("acme") == 5
    rows.lofty_command(0, write.key, LoftyCommandRow(write=write, is_settled=True))
    assert rows.lofty_opt_outs.oldest_ms("acme") is None
