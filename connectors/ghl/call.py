"""One call: an operation with its ids, query and body becomes a request, and its response JSON or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from pydantic import ValidationError

from connectors.auth.api_caller import ApiCaller, Query
from connectors.errors import InvalidRequest
from connectors.ghl.answers import malformed, parse, refusal, trace_id
from connectors.ghl.bodies import build
from connectors.ghl.operations import OPERATIONS
from connectors.ghl.rate import read_rate
from connectors.ghl.wire import GhlObject
from connectors.http.call_record import CallRecord
from connectors.http.json_reader import UnreadableJson, read
from connectors.http.operation import Operation
from connectors.http.request import Request, Response

BASE_URL = "https://services.leadconnectorhq.com"

AnyWire = TypeVar("AnyWire", bound=GhlObject)


class GhlAnswer:
    """A 2xx: its JSON, and how to take the promised parts out of it. `content` is None for an empty body."""

    __slots__ = ("_operation", "_response", "content")

    def __init__(self, operation: Operation, response: Response) -> None:
        self._operation = operation
        self._response = response
        try:
            self.content = read(response.body).value if response.body.strip() else None
        except UnreadableJson as error:
            raise malformed(operation.name, response, error.expected, error.came) from error
        if self.content is None and not operation.may_be_empty:
            raise malformed(operation.name, response, "a body")

    def one(self, kind: type[AnyWire], key: str) -> AnyWire:
        """The object at `key`. Raises `MalformedAnswer` when it is missing or has no id."""
        found = self.one_or_none(kind, key)
        if found is None:
            raise malformed(self._operation.name, self._response, f"an object {key!r}")
        return found

    def one_or_none(self, kind: type[AnyWire], key: str) -> AnyWire | None:
        """The object at `key`, None when GHL sent none."""
        found = self.content.get(key) if isinstance(self.content, dict) else None
        return None if not found else self._read(kind, key, found)

    def whole(self, kind: type[AnyWire]) -> AnyWire:
        """The whole body as one object, where GHL sends it without an envelope."""
        return self._read(kind, "the body", self.content)

    def many(self, kind: type[AnyWire], key: str) -> tuple[AnyWire, ...]:
        """The objects of the list at `key`. Raises `MalformedAnswer` when it is no list.

        GHL's document of task-search has a list of lists: it reads as one list.
        """
        found = self.content.get(key) if isinstance(self.content, dict) else None
        if not isinstance(found, list):
            raise malformed(self._operation.name, self._response, f"a list {key!r}")
        flat = [one for part in found for one in (part if isinstance(part, list) else [part])]
        return tuple(self._read(kind, key, one) for one in flat)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of the list at `key`, none when there is no list."""
        found = self.content.get(key) if isinstance(self.content, dict) else None
        return tuple(str(one) for one in found) if isinstance(found, list) else ()

    def value(self, key: str) -> Any:
        """The value at `key`."""
        return self.content.get(key) if isinstance(self.content, dict) else None

    def _read(self, kind: type[AnyWire], key: str, found: Any) -> AnyWire:
        try:
            return kind.model_validate(found)
        except ValidationError as error:
            raise malformed(self._operation.name, self._response, f"{key!r} with an id") from error


class GhlCaller(ApiCaller):
    """Calls operations of one GHL account."""

    default_base_url = BASE_URL

    async def call(
        self,
        name: str,
        ids: Mapping[str, str] | None = None,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> GhlAnswer:
        """Do one operation of the catalogue. Any 2xx is success.

        Raises `InvalidRequest` before anything leaves, `NetworkError` without an answer, `VendorError` for a refusal.
        """
        operation = OPERATIONS[name]
        request = self._request(operation, ids or {}, query or {}, body)
        response = await self._exchange(operation, request)
        if not 200 <= response.status < 300:
            raise refusal(operation.name, response)
        return GhlAnswer(operation, response)

    def _request(
        self, operation: Operation, ids: Mapping[str, str], query: Query, body: Mapping[str, Any] | None
    ) -> Request:
        path = operation.path
        for name, value in ids.items():
            if value in {"", ".", ".."}:
                raise InvalidRequest("ghl", operation.name, (f"{name} {value!r} is no id",))
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        url = self._url(path, query)
        headers = {"Version": operation.version, "Accept": "application/json"}
        if body is None:
            return Request(operation.method, url, headers)
        headers["Content-Type"] = "application/json"
        return Request(operation.method, url, headers, orjson.dumps(build(operation.name, body)))

    def _record(self, operation: Operation, response: Response, seconds: float) -> CallRecord:
        trace = response.headers.get("x-trace-id")
        if response.status >= 400 and trace is None:
            trace = trace_id(parse(response.body), response.headers)
        return CallRecord("ghl", operation.name, response.status, seconds, read_rate(response.headers), trace)
