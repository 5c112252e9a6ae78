"""Installations that began in GHL's marketplace: their locations wait here until a person pairs each with a Lofty team.

Pairing adds a connection, then gives it access by the installation's tokens. What is interrupted or fails is finished by `retry`;
nothing is read or written in a location that is not paired.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from connectors.errors import ConnectorError, SealError
from connectors.ghl.oauth import BASE_URL
from connectors.http.request import Transport
from connectors.http.transport import AiohttpTransport
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.errors import NotFound, WrongInput
from streams.console.services.connection_edits import ConnectionEdits, EditableConnection
from streams.console.services.kafka_errors import on_kafka
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.mapping_versions.store import MappingVersions
from streams.messages.installation import Installation, installation_key
from streams.oauth.grants import Grants
from streams.oauth.installation import access_to_location, list_locations, pair_of, renewed, with_locations
from streams.oauth.token_records import send_token
from streams.settings.model import Connection

log = logging.getLogger("lofty_ghl.console")


@dataclass(frozen=True, slots=True)
class WaitingLocation:
    """A location where the app was installed. `connection` is the one that it is paired with, empty while it waits."""

    location: str
    name: str
    installed_by: str
    kind: Literal["company", "location"]
    installed_ms: int
    connection: str


@dataclass(frozen=True, slots=True)
class PairedLocation:
    """What came of pairing. `problem` says why the connection has no access to GHL yet; empty when it has."""

    connection: EditableConnection
    problem: str


@dataclass(frozen=True, slots=True)
class InstalledAccount:
    """An agency (`company`) or a single location that gave access. `locations` of it are listed."""

    account: str
    kind: Literal["company", "location"]
    locations: int
    installed_ms: int


class Installations:
    """Lists what is installed, and pairs it, through the service that edits connections."""

    def __init__(
        self,
        edits: ConnectionEdits,
        audit: AuditWriter,
        until_granted: Callable[[int, int], Awaitable[None]],
        batching_producer: Callable[[], BatchingProducer],
        now_ms: Callable[[], int],
    ) -> None:
        self._edits = edits
        self._audit = audit
        self._until_granted = until_granted
        self._batching_producer = batching_producer
        self._now_ms = now_ms

    async def all(self) -> tuple[WaitingLocation, ...]:
        """Every location, those that wait first, then by name."""
        versions = await self._edits.versions()
        paired = {one.ghl.location_id: one.label for one in _connections(versions).values()}
        found = [
            WaitingLocation(location, name, one.subject, one.kind, one.at_ms, paired.get(location, ""))
            for one in versions.connection_log.installed().values()
            for location, name in one.locations.items()
        ]
        return tuple(sorted(found, key=lambda one: (bool(one.connection), one.name or one.location, one.location)))

    async def accounts(self) -> tuple[InstalledAccount, ...]:
        """The agencies and locations whose access is kept here, the newest first."""
        versions = await self._edits.versions()
        found = [
            InstalledAccount(one.subject, one.kind, len(one.locations), one.at_ms)
            for one in versions.connection_log.installed().values()
        ]
        return tuple(sorted(found, key=lambda one: (-one.installed_ms, one.account)))

    async def account(self, account: str) -> InstalledAccount:
        """One of them. Raises `NotFound`."""
        found = next((one for one in await self.accounts() if one.account == account), None)
        if found is None:
            raise NotFound(f"No installation of {account[:100]!r} is kept: it was discarded, paired, or never was.")
        return found

    async def discard(self, by: Actor, account: str) -> tuple[InstalledAccount, ...]:
        """Forget an installation and its tokens. Connections that it gave access keep theirs. Returns those that remain."""
        await self.account(account)
        async with self._audit.acting(by, "installation discard", {"account": account}):
            await self._store(await self._edits.versions(), account, None)
        return await self.accounts()

    async def retry(self, by: Actor, location: str) -> None:
        """Give a paired location's connection access once more, where that failed. Raises `NotFound`, and `WrongInput` with GHL's reason."""
        versions = await self._edits.versions()
        paired = [one for one in _connections(versions).values() if one.ghl.location_id == location]
        if not paired or _installation_of(versions, location) is None:
            raise NotFound(f"No paired location {location[:100]!r} waits for access.")
        names = [one.name for one in paired if one.ghl.auth == "oauth"]
        if not names:
            raise WrongInput(f"Connection {paired[0].label} uses a private token of GoHighLevel, and needs no access.")
        async with self._audit.acting(by, "installation access", {"location": location}):
            problems = await self.give_access(names)
            if problems:
                raise WrongInput(". ".join(problems.values()))

    async def pair(self, by: Actor, location: str, name: str, team_id: str, lofty_api_key: str = "") -> PairedLocation:
        """Add a connection for a location that waits, and give it access. Without a key, Lofty is connected by permission."""
        versions = await self._edits.versions()
        if not any(location in one.locations for one in versions.connection_log.installed().values()):
            raise NotFound(f"The app is not installed in a location {location!r}, or it is paired already.")
        app = versions.file.oauth.ghl
        ghl: dict[str, Any] = {"location_id": location, "auth": "oauth"}
        if app is not None and app.base_url != BASE_URL:
            ghl["base_url"] = app.base_url
        lofty = {"team_id": team_id} if lofty_api_key else {"team_id": team_id, "auth": "oauth"}
        credentials = {"lofty_api_key": lofty_api_key} if lofty_api_key else {}
        added = await self._edits.add(by, name, {"lofty": lofty, "ghl": ghl}, credentials)
        problems = await self.give_access([added.id])
        return PairedLocation(added, problems.get(added.id, ""))

    async def look_again(self, by: Actor) -> tuple[WaitingLocation, ...]:
        """Ask GHL for the agencies' locations of now: some may have been added since."""
        versions = await self._edits.versions()
        async with self._audit.acting(by, "installations list", {}), AiohttpTransport() as transport:
            grants = _grants(versions)
            for one in list(versions.connection_log.installed().values()):
                if one.kind != "company":
                    continue
                try:
                    usable, listed_ms = await self._usable(versions, grants, one, transport), self._now_ms()
                    locations = await list_locations(grants, pair_of(grants, usable), transport)
                except (ConnectorError, SealError) as error:
                    raise WrongInput(
                        f"GoHighLevel does not list the locations of agency {one.subject}: {error}."
                    ) from None
                await self._store(versions, one.subject, with_locations(usable, locations, listed_ms))
        return await self.all()

    async def give_access(self, connections: Iterable[str]) -> Mapping[str, str]:
        """Fetch the tokens of connections whose locations wait here, and hand them to the workers. Returns what failed, and why."""
        versions = await self._edits.versions()
        known, grants, problems = _connections(versions), _grants(versions), {}
        async with AiohttpTransport() as transport:
            for name in connections:
                connection = known.get(name)
                if connection is None or connection.ghl.auth != "oauth":
                    continue
                found = _installation_of(versions, connection.ghl.location_id)
                if found is None:
                    continue
                try:
                    usable = await self._usable(versions, grants, found, transport)
                    access = await access_to_location(grants, usable, connection, transport, self._now_ms())
                except (ConnectorError, SealError) as error:
                    log.warning("connection %s was not given access by its installation: %s", name, error)
                    problems[name] = f"GoHighLevel did not give access to the location: {error}"
                    continue
                offset = await on_kafka(partial(send_token, grants, access, self._batching_producer()))
                await self._until_granted(access.partition, offset)
                if usable.kind == "location":
                    # Its refresh token can be used once, and is the worker's from now on.
                    await self._store(versions, usable.subject, None)
        return problems

    async def _usable(
        self, versions: MappingVersions, grants: Grants, installation: Installation, transport: Transport
    ) -> Installation:
        """The installation with tokens that have not ended; renewed ones are stored first."""
        if installation.kind != "company":
            return installation
        fresh = await renewed(grants, installation, transport, self._now_ms())
        if fresh is None:
            return installation
        await self._store(versions, fresh.subject, fresh)
        return fresh

    async def _store(self, versions: MappingVersions, subject: str, installation: Installation | None) -> None:
        """What was discarded meanwhile stays so."""
        if subject not in versions.connection_log.installations:
            return
        topic = versions.connections_topic
        value = installation.to_bytes() if installation is not None else None
        record = Record(topic.name, topic.partition, installation_key(subject).encode(), value)
        await on_kafka(lambda: versions.write(topic, [record]))


def _connections(versions: MappingVersions) -> dict[str, Connection]:
    return {**versions.settings().connections, **versions.in_force.incomplete}


def _grants(versions: MappingVersions) -> Grants:
    settings = versions.settings().model_copy(update={"connections": _connections(versions)})
    return Grants(settings, settings.key_ring)


def _installation_of(versions: MappingVersions, location: str) -> Installation | None:
    """The newest installation that has a location."""
    found = [one for one in versions.connection_log.installed().values() if location in one.locations]
    return max(found, key=lambda one: one.at_ms, default=None)
