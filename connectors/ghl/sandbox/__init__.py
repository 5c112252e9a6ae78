"""A GoHighLevel to rehearse on: `GhlSandbox` keeps state and rules, `serve` puts it on a socket.

It keeps a ledger of all it was asked, enforces what GHL enforces, and misbehaves on request (`control.py`).

What it does not imitate:

- all of OAuth: there is one agency, a code waits for ten minutes, client credentials are refused, and the OAuth server has
  no rate limit; beside OAuth's a location has fixed tokens;
- webhooks, workflows and campaigns that do something, appointments that can be booked;
- whatever GHL does by itself: merging, validating e-mails, DND by STOP, automations;
- races: its upsert is atomic, whether GHL's is nobody knows;
- the promotion of an additional e-mail by an upsert (additional e-mails and phones do not exist here);
- the windows' true shape: GHL documents 100 in 10 s, not when a window starts.

Answers that no document gives (a missing note or task, 429 bodies, a duplicate search without a match) are analogies.
"""

from connectors.ghl.sandbox.sandbox import GhlSandbox
from connectors.ghl.sandbox.server import build_app, serve
from connectors.ghl.sandbox.settings import ClientSettings, LocationSettings, SandboxSettings
from connectors.sandbox.shell import Served

__all__ = ["ClientSettings", "GhlSandbox", "LocationSettings", "SandboxSettings", "Served", "build_app", "serve"]
