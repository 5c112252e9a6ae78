"""Transactions: the deals of a lead, in pipelines of their own, one for each type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.auth.api_caller import Query
from connectors.lofty.call import LoftyCaller, number

TransactionType = Literal["Purchase", "Listing", "Lease", "Other"]


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """Some transactions, as Lofty's JSON. `total` counts all that match, when Lofty says so."""

    transactions: tuple[dict[str, Any], ...]
    total: int | None = None


class TransactionCalls(LoftyCaller):
    """The operations on transactions. Times are epoch milliseconds, prices numbers."""

    async def list_transactions(
        self,
        *,
        page: int = 0,
        page_size: int = 100,
        lead_id: str | None = None,
        transaction_type: TransactionType | Literal["All"] = "All",
    ) -> TransactionPage:
        """One page of a team's transactions, or of a lead's. Pages begin with 0. Without a type Lofty would list purchases only.

        It ignores a parameter that it does not know, so the page must confirm its size, or `MalformedAnswer` is raised.
        """
        query: Query = {"pageNum": page, "pageSize": page_size, "transactionType": transaction_type}
        if lead_id is not None:
            query = {**query, "leadId": number("list-transactions", "lead_id", lead_id)}
        answer = await self.call("list-transactions", query=query)
        found = answer.objects("pageData")
        size, total = answer.content.get("pageSize"), answer.content.get("totalCount")
        if size != page_size:
            raise answer.malformed(f"pageSize {page_size} (it says {size!r})")
        return TransactionPage(tuple(found), total if isinstance(total, int) else None)

    async def list_transaction_pipelines(self) -> list[dict[str, Any]]:
        """The pipelines: for each `transactionType` its `stages` in order, each with `id`, `name` and `default`."""
        return (await self.call("list-transaction-pipelines")).objects("pipelines")

    async def list_lead_transactions(self, lead_id: str) -> list[dict[str, Any]]:
        """All transactions of a lead."""
        return (await self.call("list-lead-transactions", {"leadId": lead_id})).objects(None)

    async def get_transaction(self, lead_id: str, transaction_id: str) -> dict[str, Any]:
        """One transaction. That of another lead does not exist."""
        answer = await self.call("get-transaction", {"leadId": lead_id, "transactionId": transaction_id})
        answer.id("transactionId")
        found: dict[str, Any] = answer.content
        return found

    async def create_transaction(self, lead_id: str, fields: Mapping[str, Any]) -> str:
        """A new transaction. Not safe to repeat. A status that its pipeline has not becomes the first one, in silence."""
        answer = await self.call("create-transaction", {"leadId": lead_id}, body=dict(fields))
        return answer.id("transactionId")

    async def update_transaction(self, lead_id: str, transaction_id: str, fields: Mapping[str, Any]) -> None:
        """Change these fields; `transactionName` goes with each. A status that its pipeline has not is refused here."""
        ids = {"leadId": lead_id, "transactionId": transaction_id}
        await self.call("update-transaction", ids, body=dict(fields))
