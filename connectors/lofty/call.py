"""One call: an operation with its ids, query and body becomes a request, and its response JSON or an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connectors.auth.api_caller import ApiCaller, Query
from connectors.auth.request_auth import Auth
from connectors.errors import InvalidRequest, MalformedAnswer, WrongAccount
from connectors.http.call_record import CallRecord
from connectors.http.json_reader import REPAIRS, UnreadableJson, read
from connectors.http.operation import Operation
from connectors.http.request import Request, Response, Transport
from connectors.lofty.answers import malformed, refusal
from connectors.lofty.operations import OPERATIONS
from connectors.lofty.rate import read_rate

BASE_URL = "https://api.lofty.com"


class Objects(list[dict[str, Any]]):
    """The objects of a list. `is_repaired`: something in the answer was, and nobody knows in which object."""

    is_repaired = False


class LoftyAnswer:
    """A 2xx: its JSON, and how to take the promised parts out of it. `content` is None for an empty body."""

    __slots__ = ("_now", "_operation", "_response", "content", "repairs")

    def __init__(self, operation: Operation, response: Response, now: float) -> None:
        self._operation = operation
        self._response = response
        self._now = now
        self.content: Any = None
        self.repairs: tuple[str, ...] = ()
        if response.body.strip():
            try:
                self.content, self.repairs = read(response.body)
            except UnreadableJson as error:
                # A firewall's page with a 200: whether Lofty has done what we asked, nobody knows.
                raise malformed(operation.name, response, error.expected, now=now, came=error.came) from error
        elif not operation.may_be_empty:
            raise malformed(operation.name, response, "a body", now=now)

    def object(self, key: str) -> dict[str, Any]:
        """The object at `key`, with the note of what was repaired in the answer. Raises `MalformedAnswer` when it is missing."""
        found = self._value(key)
        if not isinstance(found, dict):
            raise self.malformed(f"an object {key!r}")
        return {**found, REPAIRS: list(self.repairs)} if self.repairs else found

    def objects(self, key: str | None) -> Objects:
        """The objects of the list at `key`, or of the bare list that the whole body is.

        Raises `MalformedAnswer` when it is no list of objects.
        """
        found = self.content if key is None else self._value(key)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.malformed("a list of objects" if key is None else f"a list of objects {key!r}")
        objects = Objects(found)
        objects.is_repaired = bool(self.repairs)
        return objects

    def id(self, key: str) -> str:
        """The id at `key`, as text. Raises `MalformedAnswer` when it is missing."""
        found = self._value(key)
        if isinstance(found, bool) or not isinstance(found, int | str) or not found:
            raise self.malformed(f"an id {key!r}")
        return str(found)

    def metadata(self) -> dict[str, Any]:
        """What a list says of itself. The wire says `_metadata`, the document `get_metadata`."""
        found = self._value("_metadata") or self._value("get_metadata")
        return found if isinstance(found, dict) else {}

    def demand_team(self, team: str | None, found: Iterable[Mapping[str, Any]]) -> None:
        """Raises `WrongAccount` when an object says that it belongs to another team. One that does not say is taken."""
        if team is None:
            return
        for one in found:
            came = one.get("teamId")
            if came is not None and str(came) != team:
                rate = read_rate(self._response.headers, now=self._now)
                name, status = self._operation.name, self._response.status
                raise WrongAccount(operation=name, status=status, expected=team, came=str(came)[:40], rate=rate)

    def malformed(self, expected: str) -> MalformedAnswer:
        """The error that says what was expected and is not there."""
        return malformed(self._operation.name, self._response, expected, now=self._now)

    def _value(self, key: str) -> Any:
        return self.content.get(key) if isinstance(self.content, dict) else None


class LoftyCaller(ApiCaller):
    """Calls operations of one Lofty account."""

    default_base_url = BASE_URL

    def __init__(self, transport: Transport, auth: Auth, *, team: str | None = None, **options: Any) -> None:
        """`team` is the id of the team whose account it is expected to be: a lead of another raises `WrongAccount`."""
        super().__init__(transport, auth, **options)
        self._team = team

    async def call(
        self, name: str, ids: Mapping[str, str] | None = None, *, query: Query | None = None, body: Any = None
    ) -> LoftyAnswer:
        """Do one operation of the catalogue. Any 2xx is success.

        Raises `InvalidRequest` before anything leaves, `NetworkError` without an answer, `VendorError` for a refusal.
        """
        operation = OPERATIONS[name]
        request = self._request(operation, ids or {}, query or {}, body)
        response = await self._exchange(operation, request)
        if not 200 <= response.status < 300:
            raise refusal(operation.name, response, now=self._now())
        return LoftyAnswer(operation, response, self._now())

    def _request(self, operation: Operation, ids: Mapping[str, str], query: Query, body: Any) -> Request:
        path = operation.path
        for name, value in ids.items():
            number(operation.name, name, value)
            path = path.replace(f"{{{name}}}", value)
        url = self._url(path, query)
        # Without this header Lofty refuses a DELETE with 400/20001 and some GETs with 415.
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return Request(operation.method, url, headers, None if body is None else orjson.dumps(body))

    def _record(self, operation: Operation, response: Response, seconds: float) -> CallRecord:
        rate = read_rate(response.headers, now=self._now())
        return CallRecord("lofty", operation.name, response.status, seconds, rate)


def number(operation: str, name: str, value: str) -> int:
    """An id as the JSON number that Lofty wants. Raises `InvalidRequest` for anything else."""
    if not (value.isascii() and value.isdigit() and len(value) <= 19):
        raise InvalidRequest("lofty", operation, (f"{name} {value!r} is no id: it must be a number",))
    return int(value)
