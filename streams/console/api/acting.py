"""Endpoints that change something: for operators, and in the audit."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Asked, Endpoint, Input
from streams.console.services.backfill import BackfillState
from streams.console.services.connections import ConnectLink, GrantedAccess
from streams.console.services.parked import Decided, ParkedFilter


class ParkedChoice(Input):
    """Which parked records; at least one field must be named. `id` is partition@offset."""

    connection: str = Field("", max_length=63)
    stage: str = Field("", max_length=40)
    reason: str = Field("", max_length=200)
    entity: str = Field("", max_length=300)
    id: str = Field("", max_length=40)

    def filter(self) -> ParkedFilter:
        """The same, as the service takes it."""
        return ParkedFilter(self.connection, self.stage, self.reason, self.entity, self.id)


class Pasted(Input):
    """What Lofty's page of consent led to, and the ticket that came with the link."""

    answer: str = Field(min_length=1, max_length=4000, description="the address that the browser shows, or its code")
    ticket: str = Field(min_length=1, max_length=2000)


async def _retry(asked: Asked) -> Decided:
    return await asked.services.parked.retry(asked.by, asked.body.filter())


async def _discard(asked: Asked) -> Decided:
    return await asked.services.parked.discard(asked.by, asked.body.filter())


async def _backfill(asked: Asked) -> BackfillState:
    return await asked.services.backfill.order(asked.by, asked.path["connection"])


async def _link(asked: Asked) -> ConnectLink:
    path = asked.path
    return await asked.services.connections.connect_link(asked.by, path["connection"], path["vendor"])


async def _answer(asked: Asked) -> GrantedAccess:
    path, body = asked.path, asked.body
    connections = asked.services.connections
    return await connections.connect_by_answer(asked.by, path["connection"], path["vendor"], body.answer, body.ticket)


ENDPOINTS = (
    Endpoint(
        *("POST", "/parked/retry", "retry-parked", "parked", "Send parked records on their way again.", "operator"),
        *(Decided, _retry),
        body=ParkedChoice,
    ),
    Endpoint(
        *("POST", "/parked/discard", "discard-parked", "parked", "Give parked records up.", "operator"),
        *(Decided, _discard),
        body=ParkedChoice,
    ),
    Endpoint(
        *("POST", "/backfills/{connection}", "order-backfill", "backfills", "Order a backfill.", "operator"),
        *(BackfillState, _backfill),
        refuses=(404, 409),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/{vendor}/link", "make-connect-link", "connections"),
        *("The link at which access is given.", "operator", ConnectLink, _link),
        refuses=(404,),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/{vendor}/answer", "take-connect-answer", "connections"),
        *("Take Lofty's answer, pasted.", "operator", GrantedAccess, _answer),
        body=Pasted,
        refuses=(404,),
    ),
)
