"""Pipelines and deals: stages and transactions of Lofty, opportunities of GHL."""

from __future__ import annotations

from streams.catalogue.row import Section, allowed, client_only, refused, trigger

_NOT_YET = "Not built yet: pipelines are the next part of this project."

PIPELINES = Section(
    "Pipelines and deals",
    (
        trigger(
            *("lofty", "A transaction is added, changed or deleted"),
            "5 createdTransaction, 5 updatedTransaction, 5 deletedTransaction",
            test="test_all_twelve_samples_become_the_right_changes",
            limits="The lead is read again; the transaction itself is not carried. Not among the changes that are subscribed to.",
        ),
        client_only("lofty", "lookup", "List a team's pipeline stages", "list-lead-pipelines", reason=_NOT_YET),
        client_only(
            *(
                "lofty",
                "lookup",
                "List transactions",
                "list-transactions",
                "list-lead-transactions",
            ),
            "get-transaction",
            reason=_NOT_YET,
        ),
        client_only("lofty", "lookup", "List transaction pipelines", "list-transaction-pipelines", reason=_NOT_YET),
        allowed(
            "lofty",
            "lookup",
            "List custom fields of transactions",
            "GET /v1.0/transaction/customfields",
            reason=_NOT_YET,
        ),
        client_only(
            *("lofty", "action", "Add and change a transaction", "create-transaction"),
            "update-transaction",
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
        client_only(
            "ghl",
            "lookup",
            "List pipelines and their stages",
            "get-pipelines",
            reason=_NOT_YET,
        ),
        client_only(
            *("ghl", "lookup", "Search opportunities", "search-opportunity", "search-opportunities-advanced"),
            reason=_NOT_YET,
        ),
        client_only("ghl", "lookup", "Read one opportunity", "get-opportunity", reason=_NOT_YET),
        client_only("ghl", "lookup", "List reasons for a loss", "get-lost-reason", reason=_NOT_YET),
        client_only("ghl", "action", "Add an opportunity", "create-opportunity", reason=_NOT_YET),
        client_only(
            *("ghl", "action", "Add or change an opportunity in one step", "Upsert-opportunity"),
            reason=_NOT_YET,
        ),
        client_only(
            "ghl",
            "action",
            "Change an opportunity",
            "update-opportunity",
            reason=_NOT_YET,
        ),
        client_only(
            *("ghl", "action", "Mark an opportunity won, lost or open", "update-opportunity-status"),
            reason=_NOT_YET,
        ),
        client_only(
            "ghl",
            "action",
            "Delete an opportunity",
            "delete-opportunity",
            reason=_NOT_YET,
        ),
        client_only(
            *("ghl", "action", "Let users follow an opportunity", "add-followers-opportunity"),
            "remove-followers-opportunity",
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
