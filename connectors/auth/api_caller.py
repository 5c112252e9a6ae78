"""What both vendors' clients do with a call: the request goes out with its credential, and each response is reported."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from connectors.auth.request_auth import Auth, exchange
from connectors.http.call_record import CallRecord
from connectors.http.operation import Operation
from connectors.http.request import Request, Response, Transport

Query = Mapping[str, str | int | bool | None]
"""The parameters of a request. One that is None is left out."""


class ApiCaller(ABC):
    """Calls operations of one account. The transport and the credential are given.

    `on_answer` is called once for each response, refusals included.
    `clock` gives monotonic seconds for its `seconds`, `now` epoch seconds for headers that name a time.
    """

    default_base_url: str

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        *,
        base_url: str = "",
        on_answer: Callable[[CallRecord], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._auth = auth
        self._base_url = (base_url or self.default_base_url).rstrip("/")
        self._on_answer = on_answer
        self._clock = clock
        self._now = now

    @abstractmethod
    def _record(self, operation: Operation, response: Response, seconds: float) -> CallRecord:
        """What is reported of a response."""

    async def _exchange(self, operation: Operation, request: Request) -> Response:
        async def send(outgoing: Request) -> Response:
            started = self._clock()
            response = await self._transport(outgoing)
            if outgoing.url == request.url and self._on_answer is not None:
                self._on_answer(self._record(operation, response, self._clock() - started))
            return response

        return await exchange(self._auth, request, send)

    def _url(self, path: str, query: Query) -> str:
        given = {name: _text(value) for name, value in query.items() if value is not None}
        return f"{self._base_url}{path}" + (f"?{urlencode(given, quote_via=quote)}" if given else "")


def _text(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
