"""A simulated Lofty: `LoftySandbox` keeps state and rules, `serve` puts it on a socket and sends the pings.

It keeps a ledger of all requests, enforces what Lofty enforces, and injects faults on request (`control.py`).

What it does not imitate:

- permissions and hidden leads: an API key, or an access token, sees its whole team;
- what nobody outside knows of Lofty's OAuth: how long tokens live, its words for those that are over, if they rotate;
- merges that return the id of a dead lead: it answers the id of the lead that lives on;
- smart plans, lead routing, communication, transactions, ponds, the calendar;
- changes of appointments by v2: they are made by the control API only, and v2 shows them;
- pings of lists 1, 3 to 8; but any body can be sent (`POST /_sandbox/pings`);
- filters and sorts other than a few; what it does not know it ignores, as Lofty does.

Nobody outside knows whether writes by API cause pings (`pings_own_writes`), whether custom attributes merge, how long
Lofty waits and how often it retries, or what a note's deletion answers: those are guesses.
"""

from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.lofty.server import build_app, serve
from connectors.sandbox.lofty.settings import LoftyClientSettings, LoftySandboxSettings, PingSettings, TeamSettings
from connectors.sandbox.shared.shell import Served

__all__ = [
    "LoftyClientSettings",
    "LoftySandbox",
    "LoftySandboxSettings",
    "PingSettings",
    "Served",
    "TeamSettings",
    "build_app",
    "serve",
]
