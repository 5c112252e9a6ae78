"""A call whose credential needs a refresh on the way."""

from __future__ import annotations

from collections.abc import Generator

from connectors.ghl.client import GhlClient
from connectors.http.call_record import CallRecord
from connectors.http.transport import Request, Response

URL = "https://ghl.test"


class Refreshing:
    """An auth flow that refreshes once on 401."""

    def flow(self, request: Request) -> Generator[Request, Response, None]:
        """Ask, refresh, ask again."""
        response = yield request
        if response.status == 401:
            yield Request("POST", f"{URL}/oauth/token")
            yield request


async def test_a_refresh_is_not_told_as_an_answer_of_the_operation() -> None:
    """Both answers to the operation are reported, because both count against the limits; the refresh is somebody else's."""
    answers = iter([Response(401, {}, b"{}"), Response(200, {}, b"{}"), Response(200, {}, b'{"contact":{"id":"c1"}}')])

    async def transport(_: Request) -> Response:
        return next(answers)

    told: list[CallRecord] = []
    contact = await GhlClient(transport, Refreshing(), base_url=URL, on_answer=told.append).get_contact("c1")
    assert contact.id == "c1"
    assert [one.status for one in told] == [401, 200]
