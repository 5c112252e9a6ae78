"""Pipelines and deals: stages and transactions of Lofty, opportunities of GHL."""

from __future__ import annotations

from streams.catalogue.row import Section, allowed, refused, trigger

_NOT_YET = "Not built yet: pipelines are the next part of this project."
_DEALS = "opportunities.readonly"

PIPELINES = Section(
    "Pipelines and deals",
    (
        trigger(
            *("lofty", "A transaction is added, changed or deleted"),
            "5 createdTransaction, 5 updatedTransaction, 5 deletedTransaction",
            test="test_all_twelve_samples_become_the_right_changes",
            limits="The lead is read again; the transaction itself is not carried. Not among the changes that are subscribed to.",
        ),
        allowed(
            "lofty", "lookup", "List a team's pipeline stages", "GET /v1.0/teamFeatures/lead-pipelines", reason=_NOT_YET
        ),
        allowed(
            *(
                "lofty",
                "lookup",
                "List transactions",
                "GET /v2.0/transactions",
                "GET /v1.0/leads/{leadId}/transactions",
            ),
            "GET /v1.0/leads/{leadId}/transaction/{transactionId}",
            reason=_NOT_YET,
        ),
        allowed("lofty", "lookup", "List transaction pipelines", "GET /v2.0/transactions/pipelines", reason=_NOT_YET),
        allowed(
            "lofty",
            "lookup",
            "List custom fields of transactions",
            "GET /v1.0/transaction/customfields",
            reason=_NOT_YET,
        ),
        allowed(
            *("lofty", "action", "Add and change a transaction", "POST /v1.0/leads/{leadId}/transaction"),
            "PUT /v1.0/leads/{leadId}/transaction/{transactionId}",
            reason=_NOT_YET,
        ),
        allowed(
            *("lofty", "action", "Read and set a transaction's address"),
            "GET /v1.0/leads/{leadId}/transaction/{transactionId}/property/address",
            "POST /v1.0/leads/{leadId}/transaction/property/address",
            reason=_NOT_YET,
        ),
        allowed(
            "lofty",
            "action",
            "Sync a transaction for Brokermint",
            "PUT /v1.0/brokermint/transaction",
            reason="Meant for Brokermint alone.",
        ),
        allowed(
            "lofty",
            "action",
            "Alert an agent of an opportunity",
            "POST /v1.0/agent/send-notification",
            reason="A rule can make a task instead.",
        ),
        refused(
            "lofty",
            "action",
            "Add or rename a pipeline stage",
            "Lofty's interface can list stages, and not change them.",
        ),
        allowed("ghl", "trigger", "An opportunity is added", on="OpportunityCreate", reason=_NOT_YET),
        allowed("ghl", "trigger", "An opportunity is changed", on="OpportunityUpdate", reason=_NOT_YET),
        allowed("ghl", "trigger", "An opportunity is deleted", on="OpportunityDelete", reason=_NOT_YET),
        allowed(
            "ghl", "trigger", "An opportunity is moved to another stage", on="OpportunityStageUpdate", reason=_NOT_YET
        ),
        allowed(
            "ghl",
            "trigger",
            "An opportunity is won, lost or opened again",
            on="OpportunityStatusUpdate",
            reason=_NOT_YET,
        ),
        allowed(
            "ghl", "trigger", "An opportunity has another owner", on="OpportunityAssignedToUpdate", reason=_NOT_YET
        ),
        allowed(
            "ghl", "trigger", "An opportunity has another value", on="OpportunityMonetaryValueUpdate", reason=_NOT_YET
        ),
        allowed(
            "ghl",
            "lookup",
            "List pipelines and their stages",
            "GET /opportunities/pipelines",
            scopes=_DEALS,
            reason=_NOT_YET,
        ),
        allowed(
            *("ghl", "lookup", "Search opportunities", "GET /opportunities/search", "POST /opportunities/search"),
            scopes=_DEALS,
            reason=_NOT_YET,
        ),
        allowed("ghl", "lookup", "Read one opportunity", "GET /opportunities/{id}", scopes=_DEALS, reason=_NOT_YET),
        allowed(
            "ghl", "lookup", "List reasons for a loss", "GET /opportunities/lost-reason", scopes=_DEALS, reason=_NOT_YET
        ),
        allowed(
            "ghl", "action", "Add an opportunity", "POST /opportunities/", scopes="opportunities.write", reason=_NOT_YET
        ),
        allowed(
            *("ghl", "action", "Add or change an opportunity in one step", "POST /opportunities/upsert"),
            scopes="opportunities.write",
            reason=_NOT_YET,
        ),
        allowed(
            "ghl",
            "action",
            "Change an opportunity",
            "PUT /opportunities/{id}",
            scopes="opportunities.write",
            reason=_NOT_YET,
        ),
        allowed(
            *("ghl", "action", "Mark an opportunity won, lost or open", "PUT /opportunities/{id}/status"),
            scopes="opportunities.write",
            reason=_NOT_YET,
        ),
        allowed(
            "ghl",
            "action",
            "Delete an opportunity",
            "DELETE /opportunities/{id}",
            scopes="opportunities.write",
            reason=_NOT_YET,
        ),
        allowed(
            *("ghl", "action", "Let users follow an opportunity", "POST /opportunities/{id}/followers"),
            "DELETE /opportunities/{id}/followers",
            scopes="opportunities.write",
            reason="Lofty has nothing of the kind that could be carried.",
        ),
        refused(
            "ghl",
            "action",
            "Add or change a pipeline",
            "The interface can list pipelines, and not change them. A person makes them in GoHighLevel.",
        ),
    ),
)

SECTIONS = (PIPELINES,)
