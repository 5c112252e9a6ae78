"""Pipelines and deals: stages and transactions of Lofty, opportunities of GHL."""

from __future__ import annotations

from streams.catalogue.row import Section, action, allowed, client_only, lookup, refused, trigger

_NOT_YET = "Not built yet: a lead's stage moves an opportunity and back, and nothing else is carried."
_STAGES = "connections.NAME.stages"
_OWNER = "connections.NAME.back.fields"
_MOVED = "test_a_stage_moved_in_ghl_becomes_the_leads_by_one_write"
_MOVES = "test_a_leads_stage_moves_its_opportunity_by_one_write"

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
        trigger(
            *("ghl", "An opportunity is added", "OpportunityCreate"),
            test="test_one_that_a_person_makes_for_a_lead_without_one_is_taken_up",
            setting=_OWNER,
            limits="It becomes the lead's where that has none, if it is the only one in the pipeline.",
        ),
        trigger(
            *("ghl", "An opportunity is changed", "OpportunityUpdate"),
            test=_MOVED,
            setting=_OWNER,
            limits="Its stage and status.",
        ),
        allowed("ghl", "trigger", "An opportunity is deleted", on="OpportunityDelete", reason=_NOT_YET),
        trigger(
            *("ghl", "An opportunity is moved to another stage", "OpportunityStageUpdate"), test=_MOVED, setting=_OWNER
        ),
        trigger(
            *("ghl", "An opportunity is won, lost or opened again", "OpportunityStatusUpdate"),
            test=_MOVED,
            setting=_OWNER,
            limits="Where a pair has the status.",
        ),
        allowed(
            "ghl", "trigger", "An opportunity has another owner", on="OpportunityAssignedToUpdate", reason=_NOT_YET
        ),
        allowed(
            "ghl", "trigger", "An opportunity has another value", on="OpportunityMonetaryValueUpdate", reason=_NOT_YET
        ),
        lookup("ghl", "List pipelines and their stages", "get-pipelines", test=_MOVES, setting=_STAGES),
        lookup(
            *("ghl", "Search opportunities of a contact", "search-opportunity"),
            test="test_a_create_whose_answer_is_lost_makes_no_second_one",
            setting=_STAGES,
            limits="To find our own again.",
        ),
        client_only(
            *("ghl", "lookup", "Search opportunities by a text", "search-opportunities-advanced"),
            reason="Not needed: an opportunity is found by its contact and pipeline.",
        ),
        lookup(
            *("ghl", "Read one opportunity", "get-opportunity"),
            test="test_verify_finds_what_was_spoiled_and_repairs_it",
            setting=_STAGES,
        ),
        client_only("ghl", "lookup", "List reasons for a loss", "get-lost-reason", reason=_NOT_YET),
        action("ghl", "Add an opportunity", "create-opportunity", test=_MOVES, setting=_STAGES),
        client_only(
            *("ghl", "action", "Add or change an opportunity in one step", "Upsert-opportunity"),
            reason=_NOT_YET,
        ),
        action("ghl", "Change an opportunity", "update-opportunity", test=_MOVES, setting=_STAGES),
        client_only(
            *("ghl", "action", "Mark an opportunity won, lost or open", "update-opportunity-status"),
            reason="Not needed: the status is written with the stage, in one request.",
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
