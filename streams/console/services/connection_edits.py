"""Adding, changing and removing connections. What follows an edit is done in the background, and begun again after a kill.

A new connection is subscribed at Lofty, and a removed one loses its subscriptions, tokens and credentials.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from aiokafka.errors import KafkaError

from connectors.errors import ConnectorError
from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import check_visible
from streams.console.background import BackgroundTask
from streams.console.errors import Conflict, ConsoleError, Fault, NotFound, WrongInput
from streams.console.services.kafka_errors import on_kafka
from streams.mapping_versions.connection_log import ConnectionVersion
from streams.mapping_versions.store import MappingVersions
from streams.operations.connection_edits.editor import PASTED, WEBHOOK_SECRET, ConnectionEditor
from streams.operations.connection_edits.errors import (
    ManagedByFile,
    NoKeys,
    NoSuchConnection,
    StaleConnection,
    WrongConnection,
)
from streams.operations.connection_edits.follow_up import as_it_was, finish_removal, subscribe
from streams.settings.model import Connection, Direction

log = logging.getLogger("lofty_ghl.console")

RETRY_SECONDS = 5.0
"""How long a subscription or a removal waits after Lofty or Kafka could not be reached."""
LEAST_SECONDS = 0.5
"""Between two looks, however long the first took."""

SUBSCRIBED_AT_A_TIME = 8
SUBSCRIBE_PACE_SECONDS = 0.15
"""One begins after the other: each asks Lofty six times, and then its leads begin to come."""
SUBSCRIBED_AT_A_LOOK, LOOK_SECONDS = 45, 4.5
"""So many, in so much time: then who was added meanwhile is looked for, as the newest begin first."""
OWN_SECONDS = 30.0
"""How long an edit is left to the gateway that saved it; then every gateway sees to it, as a command may have saved it."""
ADDING_MS = 20_000
"""So long after its edit whoever adds a connection may still bring its credentials; then it was killed in between."""

Secret = Literal["lofty_api_key", "ghl_token"]
Edit = Callable[[ConnectionEditor], Awaitable[Any]]


class StaleEdit(Conflict):
    """Somebody changed the connection meanwhile: `found` is its newest version, by `by` at `at_ms`."""

    def __init__(self, error: StaleConnection) -> None:
        self.expected, self.found, self.by, self.at_ms = error.expected, error.found, error.by, error.at_ms
        super().__init__(f"{str(error)[0].upper()}{str(error)[1:]}.")


@dataclass(frozen=True, slots=True)
class EditableConnection:
    """A connection as it can be changed. `settings` are those of its table in the configuration file.

    `managed`: `file` connections are changed in the configuration file. `needs` are the credentials that it waits for.
    `trouble` says why this version of it is not in use here.
    """

    id: str
    label: str
    version: int
    managed: Literal["file", "console"]
    is_removing: bool
    settings: dict[str, Any]
    needs: tuple[str, ...]
    trouble: str = ""


class ConnectionEdits(BackgroundTask):
    """Edits connections through the store that `versions` gives, which raises `Unavailable` while it cannot be read."""

    def __init__(
        self,
        versions: Callable[[], Awaitable[MappingVersions]],
        audit: AuditWriter,
        served: Callable[[], Awaitable[Collection[str]]],
        check_mapping: Callable[[str], Awaitable[None]],
        now_ms: Callable[[], int],
    ) -> None:
        """`served` are the connections that workers serve now. `check_mapping` refuses one that whoever asks may not see."""
        self._check_mapping = check_mapping
        self._now_ms = now_ms
        self.versions = versions
        self._served = served
        self._audit = audit
        self._to_subscribe: set[str] = set()
        self._not_yet = Counter[str]()
        """How often each could not be subscribed: those that could go before it."""
        self._has_work = asyncio.Event()

    async def get(self, connection: str) -> EditableConnection:
        """One connection by its id or label. Raises `NotFound`."""
        found = await self._get(connection)
        check_visible(found.id)  # it may have been named by its label
        return found

    async def _get(self, connection: str) -> EditableConnection:
        versions = await self.versions()
        editor = ConnectionEditor(versions)
        of_file = versions.file.connection(connection)
        if of_file is not None:
            table = editor.table_of(connection)
            return EditableConnection(of_file.name, of_file.label, 0, "file", False, table, of_file.missing_secrets)
        newest = versions.connection_log.newest(connection)
        if newest is not None and newest.phase == "removing":
            return _editable(versions, newest)
        async with _refusals():
            return _editable(versions, editor.current(connection))

    async def add(
        self, by: Actor, name: str, settings: Mapping[str, Any], credentials: Mapping[str, str]
    ) -> EditableConnection:
        """Add a connection with the credentials that are given; the others can be pasted later."""
        about = {"connection": name, "credentials": ", ".join(sorted(credentials))}
        return await self._edit(
            by, "connection add", name, about, lambda to: to.add(name, settings, by=by.name, credentials=credentials)
        )

    async def clone(
        self, by: Actor, connection: str, name: str, team_id: str, location_id: str, credentials: Mapping[str, str]
    ) -> EditableConnection:
        """Add a connection with the settings of another one."""
        about = {"connection": name, "of": connection, "credentials": ", ".join(sorted(credentials))}
        return await self._edit(
            *(by, "connection clone", name, about),
            lambda to: to.clone(connection, name, team_id, location_id, by=by.name, credentials=credentials),
        )

    async def change(
        self, by: Actor, connection: str, settings: Mapping[str, Any], expected_version: int
    ) -> EditableConnection:
        """Give a connection other settings: all of them are replaced."""
        await self._check_mapping(str(settings.get("mapping", "")))
        return await self._edit(
            *(by, "connection change", connection, {"expected_version": str(expected_version)}),
            lambda to: to.change(connection, settings, expected_version=expected_version, by=by.name),
        )

    async def rename(self, by: Actor, connection: str, label: str, expected_version: int) -> EditableConnection:
        """Give a connection another name to be shown by. Its id stays."""
        return await self._edit(
            *(by, "connection rename", connection, {"label": label, "expected_version": str(expected_version)}),
            lambda to: to.rename(connection, label, expected_version=expected_version, by=by.name),
        )

    async def pause(
        self, by: Actor, connection: str, directions: Sequence[Direction], expected_version: int
    ) -> EditableConnection:
        """Pause a connection in some directions, or in all where none is named: what comes in waits."""
        paused = list(directions) or True
        return await self._edit(
            *(by, "connection pause", connection, {"directions": ", ".join(directions) or "all"}),
            lambda to: to.pause(connection, paused, expected_version=expected_version, by=by.name),
        )

    async def resume(self, by: Actor, connection: str, expected_version: int) -> EditableConnection:
        """Let a connection go on: what waited is written."""
        return await self._edit(
            *(by, "connection resume", connection, {}),
            lambda to: to.pause(connection, False, expected_version=expected_version, by=by.name),
        )

    async def paste(self, by: Actor, connection: str, secret: Secret, value: str) -> EditableConnection:
        """Keep a credential, sealed. It is never shown again."""
        return await self._edit(
            *(by, "connection credential", connection, {"credential": str(secret)}),
            lambda to: to.paste(connection, secret, value, by=by.name),
        )

    async def remove(self, by: Actor, connection: str, expected_version: int) -> EditableConnection:
        """Begin to remove a connection: it works no more, and what it has is taken away in the background."""
        return await self._edit(
            *(by, "connection remove", connection, {"expected_version": str(expected_version)}),
            lambda to: to.remove(connection, expected_version=expected_version, by=by.name),
        )

    async def _edit(
        self, by: Actor, action: Action, connection: str, about: dict[str, str], edit: Edit
    ) -> EditableConnection:
        versions = await self.versions()
        async with self._audit.acting(by, action, {"connection": connection, **about}) as result:
            async with _refusals():
                await on_kafka(lambda: edit(ConnectionEditor(versions)))
            found = await self.get(connection)
            result.detail = f"version {found.version}"
        self.take_up([found.id])
        return found

    def take_up(self, connections: Iterable[str]) -> None:
        """Do soon what follows edits of these connections."""
        self._to_subscribe.update(connections)
        self._has_work.set()

    async def unfinished(self) -> tuple[Mapping[str, Connection], Mapping[str, Connection]]:
        """The connections that wait for a credential, and those that are being removed, by their ids."""
        try:
            versions = await self.versions()
        except ConsoleError:
            return {}, {}
        removing = {one.edit.connection: as_it_was(versions, one) for one in versions.connection_log.removing()}
        return versions.in_force.incomplete, {name: one for name, one in removing.items() if one is not None}

    async def removed(self) -> frozenset[str]:
        """The connections that were removed, by their ids; none while that cannot be read."""
        try:
            versions = await self.versions()
        except ConsoleError:
            return frozenset()
        newest = (found[-1] for found in versions.connection_log.versions.values())
        gone = {one.edit.connection for one in newest if one.phase == "removed"}
        return frozenset(name for name in gone if versions.file.connection(name) is None)

    # -- what follows an edit -----------------------------------------------------------------------------

    async def _run(self) -> None:
        known: set[str] = set()
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + RETRY_SECONDS
            self._has_work.clear()
            with suppress(ConsoleError):  # the store cannot be read now
                versions = await self.versions()
                seen = _seen_for_long(versions, time.time_ns() // 1_000_000)
                self._to_subscribe |= seen - known
                known = seen
                await self._follow_up(versions)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_work.wait(), max(LEAST_SECONDS, due - clock()))

    async def _follow_up(self, versions: MappingVersions) -> None:
        """Finish each removal that has begun, then subscribe what is new."""
        for removing in list(versions.connection_log.removing()):
            await self._attempt("removed", removing.edit.connection, finish_removal(versions, removing))
        for name, lacking in versions.in_force.incomplete.items():
            newest = versions.connection_log.newest(name)
            is_young = newest is None or self._now_ms() - newest.edit.at_ms < ADDING_MS
            if WEBHOOK_SECRET in lacking.missing_secrets and not is_young:
                await self._attempt("completed", name, ConnectionEditor(versions).complete(name, by="gateway"))
        usable = versions.connection_log.usable()
        self._to_subscribe &= usable.keys()
        if not self._to_subscribe:
            return
        # A worker parks the changes of a connection that it does not know yet. So Lofty reports them only once one knows it.
        settings, slots = versions.settings(), asyncio.Semaphore(SUBSCRIBED_AT_A_TIME)

        async def subscribe_one(turn: int, name: str, connection: Connection) -> None:
            await asyncio.sleep(turn * pace_seconds)
            async with slots:
                if await self._attempt("subscribed", name, subscribe(settings, connection)):
                    self._to_subscribe.discard(name)
                    del self._not_yet[name]
                else:
                    self._not_yet[name] += 1

        due = self._to_subscribe & {*await self._served()} & settings.connections.keys()
        order = sorted(due, key=lambda name: (self._not_yet[name], -usable[name][0].edit.at_ms, name))
        names = order[:SUBSCRIBED_AT_A_LOOK]
        pace_seconds = min(SUBSCRIBE_PACE_SECONDS, LOOK_SECONDS / max(1, len(names)))
        await asyncio.gather(
            *(subscribe_one(turn, name, settings.connections[name]) for turn, name in enumerate(names))
        )

    async def _attempt(self, verb: str, connection: str, work: Awaitable[object]) -> bool:
        """Whether it is done. What fails for now is done again."""
        try:
            await work
        except (ConnectorError, KafkaError, OSError, TimeoutError) as error:
            log.warning("connection %s cannot be %s now, trying again: %s", connection, verb, error)
            return False
        except Exception:  # whatever it is: the other connections go on
            log.exception("connection %s cannot be %s", connection, verb)
            return False
        return True


def _seen_for_long(versions: MappingVersions, now_ms: int) -> set[str]:
    """The connections whose newest edit another process made a while ago, or that were there before this one."""
    usable = versions.connection_log.usable().items()
    return {name for name, found in usable if found[0].edit.at_ms < now_ms - OWN_SECONDS * 1000}


def _editable(versions: MappingVersions, found: ConnectionVersion) -> EditableConnection:
    name = found.edit.connection
    incomplete = versions.in_force.incomplete.get(name)
    return EditableConnection(
        id=name,
        label=found.edit.label,
        version=found.number,
        managed="console",
        is_removing=found.phase == "removing",
        settings=dict(found.edit.table),
        # The webhook secret is made here, and not asked of anybody.
        needs=tuple(one for one in incomplete.missing_secrets if one in PASTED) if incomplete is not None else (),
        trouble=versions.settings().connection_trouble.get(name, ""),
    )


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """The editor's errors as the console's."""
    try:
        yield
    except StaleConnection as error:
        raise StaleEdit(error) from error
    except WrongConnection as error:
        faults = [Fault(one.where, one.expected, one.got, one.hint) for one in error.problems]
        raise WrongInput("The connection is not right.", faults) from error
    except (ManagedByFile, NoKeys) as error:
        raise WrongInput(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    except NoSuchConnection as error:
        raise NotFound(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
