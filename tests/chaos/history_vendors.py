"""Both vendors on a clock that jumps: the real sandboxes, asked by named workers, without sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from multidict import CIMultiDict

from connectors.auth.request_auth import StaticAuth
from connectors.errors import Unanswered
from connectors.ghl.client import GhlClient
from connectors.http.request import Request, Response
from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings
from connectors.sandbox.ghl import LocationSettings as GhlLocation
from connectors.sandbox.ghl.seeds import seed, shown
from connectors.sandbox.lofty import LoftySandbox, LoftySandboxSettings, TeamSettings
from streams.messages import Entity
from streams.settings import Connection, Settings
from tests.chaos.history_clockwork import Answer, Clockwork, sleep

LIMIT, WINDOW_SECONDS = 100, 2.0
LAG_SECONDS, LATENCY_SECONDS = 0.6, 0.02
PIPELINE = {"name": "Buyers", "stages": ["New", "Talking", "Done"]}
_PATHS = {"contact": "v1.0/leads/{0}", "note": "v1.0/notes/{0}", "task": "v2.0/tasks/{0}", "appointment": "v1.0/appts"}


class Vendors:
    """The sandboxes of some connections. Each location has the custom fields that its mapping names."""

    def __init__(self, settings: Settings, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        connections = settings.connections.values()
        locations = tuple(GhlLocation(one.ghl_budget, (f"pit-{one.name}",)) for one in connections)
        teams = tuple(TeamSettings(int(one.lofty.team_id), (f"key-{one.name}",)) for one in connections)
        window: dict[str, Any] = {"window_limit": LIMIT, "window_seconds": WINDOW_SECONDS}
        self.ghl = GhlSandbox(
            GhlSandboxSettings(locations, search_lag_seconds=LAG_SECONDS, **window), now=lambda: clockwork.now
        )
        self.lofty = LoftySandbox(LoftySandboxSettings(teams, **window), now=lambda: clockwork.now)
        for one in connections:
            fields = [{"name": f.reference, "dataType": f.type} for f in one.mapping.custom_fields.values()]
            seed(self.ghl, {"location": one.ghl_budget, "customFields": fields, "pipelines": [PIPELINE]})

    def standing(self, connection: Connection) -> dict[str, Any]:
        """The contents of a connection's location, as its control API shows them."""
        place = self.ghl.location(connection.ghl_budget)
        return {
            "contacts": [shown(one) for one in place.contacts.values()],
            "customFields": list(place.custom_fields.values()),
            "users": list(place.users.values()),
            "pipelines": list(place.pipelines.values()),
            "opportunities": [row for one in place.contacts.values() for row in one.opportunities.values()],
        }

    def client(self, worker: str, connection: Connection) -> GhlClient:
        """A worker's client of a location."""

        async def transport(request: Request) -> Response:
            return await self._send(self.ghl, worker, request)

        return GhlClient(transport, StaticAuth("Bearer", f"pit-{connection.name}"), base_url="http://ghl")

    async def read(self, worker: str, connection: Connection, entity: Entity) -> None:
        """A worker's request for an entity of Lofty; its answer is not looked at."""
        headers = {"Authorization": f"token key-{connection.name}", "Content-Type": "application/json"}
        url = f"http://lofty/{_PATHS[entity.kind].format(entity.id)}?leadId={entity.lead}"
        await self._send(self.lofty, worker, Request("GET", url, headers))

    async def _send(self, sandbox: GhlSandbox | LoftySandbox, worker: str, request: Request) -> Response:
        answer: Answer[Response | None] = Answer(self._clockwork)
        headers = {**request.headers, "User-Agent": f"lofty-ghl/0.1 (+https://example.com) {worker}"}
        self._clockwork.resume("vendor", _serve(sandbox, request, headers, answer))
        response = await answer
        if response is None:
            raise Unanswered(request.method, request.url, "dropped")
        return response


async def _serve(sandbox: Any, request: Request, headers: Mapping[str, str], answer: Answer[Response | None]) -> None:
    """A request's way through a sandbox. It goes on whether its client lives or not."""
    url = urlsplit(request.url)
    visit = sandbox.arrive(request.method, url.path, url.query, CIMultiDict(headers), request.body or b"")
    await sleep(LATENCY_SECONDS / 2)
    fault = visit.fault.kind if visit.fault else ""
    if fault != "drop_before_apply":
        sandbox.apply(visit)
    await sleep(LATENCY_SECONDS / 2)
    sandbox.finish(visit, is_answered=not fault.startswith("drop"))
    names = {name.lower(): value for name, value in visit.headers.items()}
    answer.give(None if fault.startswith("drop") else Response(visit.status, names, visit.content))
