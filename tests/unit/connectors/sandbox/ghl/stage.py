"""A sandbox without a socket, its clock in the test's hands, and clients that talk to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from multidict import CIMultiDict

from connectors.auth.request_auth import StaticAuth
from connectors.ghl.client import GhlClient
from connectors.http.transport import Request, Response
from connectors.sandbox.ghl import GhlSandbox, GhlSandboxSettings, LocationSettings
from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.shared.ledger import Entry

HERE, THERE = "here", "there"
SETTINGS = GhlSandboxSettings(
    locations=(LocationSettings(HERE, ("pit-here",)), LocationSettings(THERE, ("pit-there",))), search_lag_seconds=0
)
ANN = {"firstName": "Ann", "lastName": "Vale", "email": "ann@example.com", "phone": "+12025550123"}


class Stage:
    """One sandbox. `now` is its clock, in seconds since the epoch."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1_780_000_000.0
        self.sandbox = GhlSandbox(replace(SETTINGS, **settings), now=lambda: self.now)

    def client(self, token: str = "pit-here") -> GhlClient:
        """A client of one location."""
        return GhlClient(self.send, StaticAuth("Bearer", token), base_url="http://sandbox")

    async def send(self, request: Request) -> Response:
        """Answer at once, as the server does."""
        url = urlsplit(request.url)
        headers = CIMultiDict(request.headers)
        visit = self.sandbox.arrive(request.method, url.path, url.query, headers, request.body or b"")
        self.sandbox.apply(visit)
        self.sandbox.finish(visit, is_answered=True)
        return Response(visit.status, {name.lower(): value for name, value in visit.headers.items()}, visit.content)

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        *,
        token: str = "pit-here",
        version: str = "2021-07-28",
    ) -> Response:
        """Send what no client of ours would."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if version:
            headers["Version"] = version
        return await self.send(Request(method, f"http://sandbox{target}", headers, body))

    def seed(self, location: str = HERE, **given: Any) -> dict[str, list[str]]:
        """Fill a location."""
        return seed(self.sandbox, {"location": location, **given})

    def contact(self, **given: Any) -> str:
        """The id of a new contact, without asking the API."""
        return self.seed(contacts=[{**ANN, **given}])["contacts"][0]

    @property
    def ledger(self) -> list[Entry]:
        """All that was asked."""
        return self.sandbox.ledger.after()
