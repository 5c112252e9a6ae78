"""Delivers pings: changes are collected, batched, and sent to the callback URLs of the subscriptions."""

from __future__ import annotations

from connectors.sandbox.lofty.pings import bodies, by_list
from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.lofty.settings import PingSettings
from connectors.sandbox.lofty.state import OWN_VENDOR, TeamState
from connectors.sandbox.shared.mailer import Delivery, Mailer


class PingMailer(Mailer):
    """Delivers a sandbox's pings while it runs."""

    def __init__(self, sandbox: LoftySandbox) -> None:
        self._sandbox = sandbox
        super().__init__()

    @property
    def _settings(self) -> PingSettings:
        return self._sandbox.settings.pings

    @property
    def _seed(self) -> int:
        return self._sandbox.settings.seed

    @property
    def _unsent(self) -> int:
        return sum(len(team.outbox) for team in self._sandbox.teams.values())

    def _is_delivered(self, status: int | None) -> bool:
        return status == 200

    def _is_wanted(self, url: str) -> bool:
        teams = self._sandbox.teams.values()
        return any(one["callbackUrl"] == url for team in teams for one in team.subscriptions.values())

    def flush(self) -> None:
        """Send what has happened since the last flush."""
        for team in self._sandbox.teams.values():
            changes, team.outbox = team.outbox, []
            for list_id, of_list in by_list(changes).items():
                subscriptions = [
                    one
                    for one in team.subscriptions.values()
                    if (one["listId"], one["vendorId"]) == (list_id, OWN_VENDOR)
                ]
                if not subscriptions:
                    self.counts["unheard"] += len(of_list)
                for subscription in subscriptions:
                    for body in bodies(team.id, list_id, of_list, subscription["limit"]):
                        self._send_by_chance(subscription["callbackUrl"], body, {})

    def send_raw(self, team: TeamState, body: bytes, list_id: int | None = None) -> int:
        """Send any body as it is, once to each callback URL (of one list, or of all). Returns the number of URLs."""
        urls = {one["callbackUrl"]: None for one in team.subscriptions.values() if list_id in (None, one["listId"])}
        for url in urls:
            self._send(Delivery(url, body))
        return len(urls)
