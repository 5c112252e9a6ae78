"""The control API under `/_sandbox/`: edit as an agent would, order faults, read the ledger. No key, no limits.

Every request may name its team as `?team=ID`; otherwise it is the first.

| request | what it does |
| --- | --- |
| `POST /_sandbox/reset` | forget all; `{"settings": {…}}` changes settings by name |
| `POST /_sandbox/seed` | leads with notes and tasks, members, custom fields, see `agent_activity.seed`; no pings |
| `POST /_sandbox/leads` | an agent makes a lead (the body is its fields) |
| `POST /_sandbox/notes`, `/tasks`, `/appointments` | the same with `leadId` in the body |
| `PATCH`, `DELETE /_sandbox/leads/ID` (and notes, tasks, appointments) | an agent changes or deletes it |
| `POST /_sandbox/tasks/ID/finish`, `/unfinish` (and appointments) | an agent finishes it |
| `POST /_sandbox/edits` | a burst: `{"edits": […]}`, see `agent_activity` |
| `POST /_sandbox/pings?listId=2` | sends the body as it is to all subscribers (of that list) |
| `POST`, `GET`, `DELETE /_sandbox/faults` | order, show, clear faults, see `connectors/sandbox/shared/faults.py` |
| `GET /_sandbox/ledger?after=0&limit=1000` | the requests |
| `GET /_sandbox/leads?trash=true` | all leads with notes, tasks and appointments |
| `POST /_sandbox/oauth/expire`, `/revoke` | access tokens expire now, or all tokens are revoked: the team's, without `?team=` all |
| `POST /_sandbox/oauth/operations` | `{"client": ID, "operations": […]}`: what a client may do; all its tokens are revoked, as with Lofty |
| `GET /_sandbox/stats` | counts of requests and pings; `pending` pings are still to be delivered |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from connectors.sandbox.lofty.agent_activity import edit, edit_all, everything, seed, shown, team_of
from connectors.sandbox.lofty.mailer import PingMailer
from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.lofty.settings import LoftyClientSettings, LoftySandboxSettings, PingSettings, TeamSettings
from connectors.sandbox.lofty.state import TeamState
from connectors.sandbox.shared.control import Handler, body_of, refusing, reply, require_known, shared_routes
from connectors.sandbox.shared.issuer import Grant

_KINDS = {"leads": "lead", "notes": "note", "tasks": "task", "appointments": "appointment"}


def changed_settings(settings: LoftySandboxSettings, changes: Mapping[str, Any]) -> LoftySandboxSettings:
    """Settings with some changed by name, `pings` and `teams` as objects. Raises `ValueError` for unknown names."""
    read: dict[str, Any] = dict(changes)
    require_known(LoftySandboxSettings, read)
    if "pings" in read:
        require_known(PingSettings, read["pings"])
        read["pings"] = replace(settings.pings, **read["pings"])
    if "teams" in read:
        read["teams"] = tuple(TeamSettings(int(one["id"]), tuple(one["api_keys"])) for one in read["teams"])
    if "clients" in read:
        read["clients"] = tuple(_client(one) for one in read["clients"])
    return replace(settings, **read)


def _client(given: Mapping[str, Any]) -> LoftyClientSettings:
    require_known(LoftyClientSettings, given)
    return LoftyClientSettings(**{**given, "operations": _names(given.get("operations"))})


def _names(given: Any) -> tuple[str, ...] | None:
    return None if given is None else tuple(map(str, given))


def control_routes(sandbox: LoftySandbox, mailer: PingMailer) -> list[web.RouteDef]:
    """The routes of the control API."""

    def team(request: web.Request) -> TeamState:
        return team_of(sandbox, request.query.get("team"))

    def reset(changes: dict[str, Any]) -> None:
        sandbox.reset(changed_settings(sandbox.settings, changes))

    async def plant(request: web.Request) -> web.StreamResponse:
        return reply(seed(sandbox, team(request), await body_of(request)))

    async def burst(request: web.Request) -> web.StreamResponse:
        return reply({"edits": edit_all(sandbox, team(request), (await body_of(request))["edits"])})

    async def send(request: web.Request) -> web.StreamResponse:
        list_id = request.query.get("listId")
        sent = mailer.send_raw(team(request), await request.read(), int(list_id) if list_id else None)
        return reply({"sent": sent})

    async def show_leads(request: web.Request) -> web.StreamResponse:
        found = everything(team(request), with_trash=request.query.get("trash") == "true")
        return reply({"leads": found})

    async def allow(request: web.Request) -> web.StreamResponse:
        given = await body_of(request)
        return reply({"revoked": sandbox.oauth.allow(given["client"], _names(given["operations"]))})

    async def stats(_: web.Request) -> web.StreamResponse:
        pings = {"told": sum(one.reported for one in sandbox.teams.values()), **mailer.counts}
        return reply({**sandbox.ledger.stats(), "pending": mailer.pending, "pings": pings})

    found = [
        *shared_routes(sandbox, mailer, reset, lambda: sandbox.oauth.issuer, _of_team),
        web.post("/_sandbox/seed", refusing(plant)),
        web.post("/_sandbox/edits", refusing(burst)),
        web.post("/_sandbox/pings", refusing(send)),
        web.get("/_sandbox/leads", refusing(show_leads)),
        web.post("/_sandbox/oauth/operations", refusing(allow)),
        web.get("/_sandbox/stats", refusing(stats)),
    ]
    for path, kind in _KINDS.items():
        found += _edit_routes(sandbox, path, kind)
    return found


async def _of_team(request: web.Request) -> Callable[[Grant], bool]:
    team = request.query.get("team")
    return lambda grant: team in (None, grant.subject)


def _edit_routes(sandbox: LoftySandbox, path: str, kind: str) -> list[web.RouteDef]:
    def act(word: str) -> Handler:
        async def done(request: web.Request) -> web.StreamResponse:
            given = await body_of(request)
            order = {"edit": word, "kind": kind, "fields": given, "leadId": given.get("leadId"), **request.match_info}
            return reply(shown(edit(sandbox, team_of(sandbox, request.query.get("team")), order)))

        return refusing(done)

    return [
        web.post(f"/_sandbox/{path}", act("create")),
        web.patch(f"/_sandbox/{path}/{{id}}", act("update")),
        web.delete(f"/_sandbox/{path}/{{id}}", act("delete")),
        web.post(f"/_sandbox/{path}/{{id}}/finish", act("finish")),
        web.post(f"/_sandbox/{path}/{{id}}/unfinish", act("unfinish")),
    ]
