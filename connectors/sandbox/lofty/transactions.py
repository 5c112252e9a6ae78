"""The rules of transactions, and of the pipelines that they are in: one for each type, its stages named by the team.

What the document says of statuses is two things: a create with a status that the pipeline has not gets the first one in silence,
an update with one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.lofty.refusals import inside, invalid
from connectors.sandbox.lofty.requests import LoftyRequest, Rule
from connectors.sandbox.lofty.state import LoftyRecord
from connectors.sandbox.shared.sandbox import RuleResult

Row = dict[str, Any]

TYPES = ("Purchase", "Listing", "Lease", "Other")
STAGES: Mapping[str, tuple[str, ...]] = {
    "Purchase": ("Pre-contract", "Under Contract", "Closed", "Cancelled"),
    "Listing": ("Pre-listing", "Active", "Under Contract", "Closed", "Expired"),
    "Lease": ("Searching", "Signed"),
    "Other": ("Open", "Done"),
}
"""The stages of a team that was not given others."""

_MOST = 100
_DATES = (
    *("expectedCloseDate", "closeDate", "appointmentDate", "agreementSignedDate", "offerDate", "contractDate"),
    *("appraisalDate", "homeInspectionDate", "escrowDate", "expiration"),
)
_MONEY = ("homePrice", "commissionRate", "gci", "teamRevenue", "agentRevenue")
_OF_TEAM = ("leadId", "propertyId", "agentName")
"""What the list of the whole team shows, and that of a lead does not."""


def _list_transactions(request: LoftyRequest) -> RuleResult:
    """A page, the newest first. Without a type: purchases only."""
    query, wanted = request.query, request.query.get("transactionType", "Purchase")
    page, size = request.number("pageNum", 0), request.number("pageSize", 20)
    if not 1 <= size <= _MOST:
        raise invalid(f"pageSize must be between 1 and {_MOST}")
    if wanted not in (*TYPES, "All"):
        raise invalid(f"transactionType must be one of {', '.join((*TYPES, 'All'))}")
    text = query.get("queryKey", "").casefold()
    found = [
        row
        for row in reversed(request.team.transactions.values())
        if wanted in ("All", row["transactionType"])
        and query.get("leadId", str(row["leadId"])) == str(row["leadId"])
        and text in f"{row['transactionName']} {row['leadName']}".casefold()
        and request.team.find("lead", row["leadId"], request.now) is not None
    ]
    rows = [_filled(row) for row in found[page * size : (page + 1) * size]]
    return RuleResult({"pageNum": page, "pageSize": size, "totalCount": len(found), "pageData": rows})


def _list_pipelines(request: LoftyRequest) -> RuleResult:
    """Each type with its stages in order; the first is the one that a new transaction is in."""
    return RuleResult({"pipelines": [{"transactionType": one, "stages": _stages(request, one)} for one in TYPES]})


def _list_of_lead(request: LoftyRequest) -> RuleResult:
    lead = request.lead(request.id("leadId"))
    rows = [_of_lead(row) for row in request.team.transactions.values() if row["leadId"] == lead.id]
    return RuleResult(rows, parent=lead.id)


def _get_transaction(request: LoftyRequest) -> RuleResult:
    lead, row = _find(request)
    return RuleResult(_of_lead(row), entity=row["transactionId"], parent=lead.id)


def _create_transaction(request: LoftyRequest) -> RuleResult:
    """What is not written is unset; a status that the pipeline has not becomes the first."""
    lead, given = request.lead(request.id("leadId")), request.fields()
    person = lead.fields
    row: Row = {
        "transactionId": next(request.team.ids),
        "leadId": lead.id,
        "propertyId": 0,
        "leadName": f"{person['firstName']} {person['lastName']}".strip(),
        "assignedAgent": person["assignedUserId"],
        "agentName": person["assignedUser"],
        "transactionType": "Purchase",
        "created": int(request.now * 1000),
        "updated": 0,
    }
    _write(request, row, given)
    row["transactionStatus"] = _status(request, row, given) or _first(request, row)
    request.team.transactions[row["transactionId"]] = row
    _report(request, row, "created")
    return RuleResult(_of_lead(row), entity=row["transactionId"], parent=lead.id, changed=True)


def _update_transaction(request: LoftyRequest) -> RuleResult:
    """Changes what is given. Of another type, a transaction keeps its status where the other pipeline has it, too."""
    lead, row = _find(request)
    given, before = request.fields(), dict(row)
    after = dict(row)
    _write(request, after, given)
    status = _status(request, after, given if "transactionStatus" in given else after)
    if status is None and "transactionStatus" in given:
        raise inside(400, 200125, "TRANSACTION_STATUS_INVALID")
    after["transactionStatus"] = status or _first(request, after)
    row |= after
    changes = {name: value for name, value in row.items() if name != "updated" and before.get(name) != value}
    _report(request, row, "updated", changes)
    return RuleResult(_of_lead(row), entity=row["transactionId"], parent=lead.id, changed=True)


# -- what all of them share ------------------------------------------------------------------------------------


def _find(request: LoftyRequest) -> tuple[LoftyRecord, Row]:
    """The transaction that the path names. That of another lead does not exist."""
    lead = request.lead(request.id("leadId"))
    row = request.team.transactions.get(request.id("transactionId"))
    if row is None or row["leadId"] != lead.id:
        raise inside(404, 200060, "TRANSACTION_NOT_EXIST")
    return lead, row


def _write(request: LoftyRequest, row: Row, given: Mapping[str, Any]) -> None:
    name = str(given.get("transactionName", row.get("transactionName", "")))
    if not name.strip():
        raise inside(400, 200062, "TRANSACTION_NAME_BLANK")
    if "<" in name or ">" in name:
        raise inside(400, 200062, "TRANSACTION_NAME_HTML")
    written = ("transactionType", "customFields", "commissions", *_DATES, *_MONEY)
    row |= {"transactionName": name, **{one: given[one] for one in written if one in given}}
    row["updated"] = max(int(request.now * 1000), row["updated"] + 1)


def _stages(request: LoftyRequest, type_: str) -> list[Row]:
    names = request.team.transaction_stages.get(type_, STAGES[type_])
    first = 88_001 + 100 * TYPES.index(type_)
    return [{"id": first + place, "name": name, "default": place == 0} for place, name in enumerate(names)]


def _first(request: LoftyRequest, row: Row) -> str:
    return str(_stages(request, row["transactionType"])[0]["name"])


def _status(request: LoftyRequest, row: Row, given: Mapping[str, Any]) -> str | None:
    """The status that is given, as the pipeline writes it; None when the pipeline has it not."""
    wanted = str(given.get("transactionStatus", "")).casefold()
    names = (str(one["name"]) for one in _stages(request, row["transactionType"]))
    return next((name for name in names if name.casefold() == wanted), None)


def _filled(row: Row) -> Row:
    """A transaction as the team's list shows it: what is not set is 0."""
    return {**dict.fromkeys((*_DATES, *_MONEY), 0), **{name: row[name] for name in row if name != "commissions"}}


def _of_lead(row: Row) -> Row:
    shown = {name: value for name, value in _filled(row).items() if name not in _OF_TEAM}
    return shown | ({"commissions": row["commissions"]} if "commissions" in row else {})


def _report(request: LoftyRequest, row: Row, happened: str, changes: Row | None = None) -> None:
    if not request.settings.pings_own_writes:
        return
    item: Row = {"leadId": row["leadId"], "transactionId": row["transactionId"], "updateTime": row["updated"]}
    if changes:
        item |= {"updatedField": changes, "updatedFields": [{name: value} for name, value in changes.items()]}
    request.team.report(5, f"{happened}Transaction", item)


RULES: Mapping[str, Rule] = {
    "list-transactions": _list_transactions,
    "list-transaction-pipelines": _list_pipelines,
    "list-lead-transactions": _list_of_lead,
    "get-transaction": _get_transaction,
    "create-transaction": _create_transaction,
    "update-transaction": _update_transaction,
}
