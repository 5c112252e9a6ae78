"""The Faust application: consuming and sharing partitions, on aiokafka, with some things set that Faust leaves open.

- After a rebalance, a partition without a commit is sought to its start. aiokafka leaves its position as it is, so the records
  that Faust had fetched and dropped would never be read again.
- The group coordinator's requests are watched, so that the lease knows when Kafka was last heard from.
- A fetch waits `FETCH_WAIT_MS` for data instead of Faust's fixed 1.5 s: a partition that was left out of the fetch under
  way (its last records were just taken) is only asked for in the next one; at light load that was the slowest hop by far.
  XXX: goes when faust-streaming makes `fetch_max_wait_ms` a setting.
- So is the rest after a failure (`RETRY_BACKOFF_MS`), and before a broker that took no connection is called again (`patient`).
- A request to a broker that hangs ends after `REQUEST_SECONDS`, not after Faust's 90 s (20 min of its producer's), and a
  heartbeat within its session; a broker that takes a connection and says nothing is given up sooner (`bound_connecting`).
- What a rebalance waits for has no time of its own: only another rebalance ends it. Faust takes the end of that time
  (`broker_request_timeout`) for an order to stop. A Kafka that went away while a worker looked where it had left off, and came
  back later than that, found a member of the group that never read again, until its watchdog ended it.
- Faust's manager of tables does not sleep for its fixed second at the start, in which modules could still register tables:
  ours are not Faust's (`tables/`), so there is nothing to wait for, and a worker joins its group a second sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import faust
from faust.tables import TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import TransportT

from streams.kafka.connection_options import RETRY_BACKOFF_MS, faust_options
from streams.kafka.timeouts import REQUEST_SECONDS, bound_connecting, bound_group_requests, patient
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.worker.partitions.lease import Lease

FETCH_WAIT_MS = 25
"""How long the broker may hold back an empty fetch."""

METADATA_MS = 30_000
"""How often it is asked which topics and partitions there are: a broker may not have known all when the group was formed."""

HEARTBEATS_PER_SESSION = 5
"""So many heartbeats may be lost before Kafka gives our partitions away."""


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._retry_backoff_ms = RETRY_BACKOFF_MS
        consumer._client._retry_backoff = RETRY_BACKOFF_MS / 1000
        bound_connecting(consumer._client)
        patient(consumer._client)
        bound_group_requests(consumer._client, self.app.conf.broker_session_timeout / 2)
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return cast(Mapping[TP, int], await self.call_thread(self._seek_to_committed))

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        changelogs = self.app.tables.changelog_topics
        never = [tp for tp, offset in committed.items() if not offset and tp.topic not in changelogs]
        for tp, first in (await consumer.beginning_offsets(never)).items() if never else ():
            consumer.seek(tp, first)
        return committed

    async def on_start(self) -> None:
        await super().on_start()
        coordinator: Any = self._consumer._coordinator  # type: ignore[union-attr]  # made by the line above
        lease: Lease = self.app.lease  # type: ignore[attr-defined]  # our own app, below
        coordinator._send_req = lease.observer(coordinator._send_req)


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Producer(driver.Producer):
    """Faust starts one; nothing is written through it."""

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        made = super()._new_producer(transactional_id)
        bound_connecting(made.client)
        return made


class _Transport(driver.Transport):
    Consumer = _Consumer
    Producer = _Producer


class _Recovery(Recovery):
    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109  # Faust's; it is what is left out
        await super()._wait(coro)


class _NoTables(TableManager):
    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = _Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class App(faust.App):
    """Faust's application with a lease."""

    lease: Lease

    def _new_transport(self) -> TransportT:
        return _Transport(self.conf.broker_consumer, self, loop=self.loop)


def new_faust_app(settings: Settings, names: TopicNames, lease: Lease) -> App:
    """An application that declares no topics, serves no pages, and ends a session as the settings say."""
    session = settings.kafka.session_timeout_seconds
    app = App(
        names.group,
        **faust_options(settings),
        store="memory://",
        TableManager=_NoTables,
        datadir=settings.worker.data_dir,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        broker_session_timeout=session,
        broker_heartbeat_interval=session / HEARTBEATS_PER_SESSION,
        # Faust wants it to be longer than a session.
        broker_request_timeout=max(REQUEST_SECONDS, session + 1.0),
        producer_request_timeout=REQUEST_SECONDS,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MS,
    )
    app.lease = lease
    return app
