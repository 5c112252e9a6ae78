"""A simulated GoHighLevel: `GhlSandbox` keeps state and rules, `serve` puts it on a socket.

It keeps a ledger of all requests, enforces what GHL enforces, reports every change by signed webhook (`hooks.py`),
and injects faults on request (`control.py`).

What it does not imitate:

- all of OAuth: there is one agency, a code waits for ten minutes, client credentials are refused, and the OAuth server has
  no rate limit; beside OAuth's a location has fixed tokens;
- workflows and campaigns that do something; appointments are booked by its people (`people.py`), not by the API;
- whatever GHL does by itself: merging, validating e-mails, automations (DND by STOP is ordered, see `people.py`);
- races: its upsert is atomic, whether GHL's is nobody knows;
- the promotion of an additional e-mail by an upsert (additional e-mails and phones do not exist here);
- the windows' true shape: GHL documents 100 in 10 s, not when a window starts.

Answers that no document gives (a missing note or task, 429 bodies, a duplicate search without a match) are analogies.
"""

from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.ghl.server import build_app, serve
from connectors.sandbox.ghl.settings import GhlClientSettings, GhlSandboxSettings, HookSettings, LocationSettings
from connectors.sandbox.shared.shell import Served

__all__ = [
    "GhlClientSettings",
    "GhlSandbox",
    "GhlSandboxSettings",
    "HookSettings",
    "LocationSettings",
    "Served",
    "build_app",
    "serve",
]
