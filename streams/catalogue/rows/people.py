"""Leads of Lofty and contacts of GHL themselves, their tags and opt-outs."""

from __future__ import annotations

from streams.catalogue.row import Section, action, allowed, client_only, lookup, refused, trigger

_LIFE = "test_a_lead_its_notes_and_its_tasks_live_through_all_they_can"
_OPT_OUTS = "connections.NAME.opt_outs"
_CROSS = "test_opt_outs_cross_by_webhook_in_both_directions"
_READ_AGAIN = "The lead is read again, as mapped fields may have changed with it."

LEADS = Section(
    "Leads in Lofty",
    (
        trigger("lofty", "A lead is added", "2 createdLead", test=_LIFE),
        trigger("lofty", "A lead is changed", "2 updatedLead", test=_LIFE),
        trigger("lofty", "A lead is deleted", "2 deletedLead", test=_LIFE),
        trigger(
            "lofty", "A lead's stage is changed", "12 updatedLeadstage", test="test_a_stage_fills_its_field_and_follows"
        ),
        trigger(
            *("lofty", "A lead is active on the site", "3 updatedLead"),
            test="test_all_twelve_samples_become_the_right_changes",
            limits=f"{_READ_AGAIN} Not among the changes that are subscribed to.",
        ),
        lookup("lofty", "Read one lead", "get-lead", test=_LIFE),
        lookup(
            *("lofty", "List all leads", "list-leads"),
            test="test_without_any_webhook_the_sweep_brings_all_that_changed",
            setting="connections.NAME.sweep.full_hours",
            limits="Also for the import of existing leads.",
        ),
        lookup(
            *("lofty", "List new leads", "list-leads"),
            test="test_without_any_webhook_the_sweep_brings_all_that_changed",
            setting="connections.NAME.sweep.new_minutes",
        ),
        action(
            *("lofty", "Change a lead's name, e-mail or telephone", "update-lead"),
            test="test_each_field_has_its_winner",
            setting="connections.NAME.back.fields",
        ),
        client_only(
            *("lofty", "action", "Add a lead", "create-lead"),
            reason="Needed for new leads from GoHighLevel, which are not built yet. Lofty may merge it into a lead that exists.",
        ),
        client_only(
            "lofty", "action", "Delete a lead", "delete-lead", reason="Nothing in GoHighLevel may delete a lead."
        ),
        allowed(
            *("lofty", "action", "Set a lead's inquiry", "POST /v1.0/leads/{leadId}/inquiry"),
            reason="An inquiry is read as fields of the contact, and not written.",
        ),
        allowed(
            *("lofty", "lookup", "List what a lead did on the site", "GET /v1.0/leads/{leadId}/activities"),
            reason="Not carried. It would cost a request for each lead.",
        ),
        allowed(
            *("lofty", "action", "Add an activity of a lead on the site", "POST /v1.0/leads/{leadId}/activity"),
            reason="Nothing in GoHighLevel is one.",
        ),
        allowed(
            *("lofty", "lookup", "List the log of changes of a lead", "GET /v1.0/systemLogs"),
            reason="Not needed: every state that was read is in the history of a lead.",
        ),
        allowed(
            "lofty",
            "action",
            "Sync a lead for Brokermint",
            "PUT /v1.0/brokermint/lead",
            reason="Meant for Brokermint alone.",
        ),
        refused(
            "lofty", "action", "Restore a deleted lead", "Lofty's interface has none; a person restores it in Lofty."
        ),
        refused(
            "lofty",
            "action",
            "Merge two leads",
            "Lofty's interface has no operation for it; it merges by itself when one is added twice.",
        ),
        refused(
            "lofty",
            "lookup",
            "List leads that changed since a time",
            "Lofty can neither sort nor filter by the time of the last change. Full checks compare all leads.",
        ),
    ),
)

CONTACTS = Section(
    "Contacts in GoHighLevel",
    (
        trigger(
            *("ghl", "A contact is added", "ContactCreate"),
            test="test_our_own_writes_come_back_and_cause_none",
            setting="connections.NAME.back.fields",
            limits="Of a contact that has a lead. New leads from GoHighLevel are not built yet.",
        ),
        trigger(
            *("ghl", "A contact is changed", "ContactUpdate"),
            test="test_each_field_has_its_winner",
            setting="connections.NAME.back.fields",
        ),
        trigger(
            *("ghl", "A contact is deleted", "ContactDelete"),
            test="test_each_event_of_a_rule_makes_a_task_and_a_note",
            setting="connections.NAME.back.rules",
        ),
        action("ghl", "Add a contact", "create-contact", test=_LIFE),
        action("ghl", "Change a contact", "update-contact", test=_LIFE, limits="Only mapped fields that changed."),
        action(
            *("ghl", "Delete a contact", "delete-contact"),
            test="test_a_deleted_lead_is_deleted_or_ignored_when_the_policy_says_so",
            setting="connections.NAME.policies.lead_deleted",
            limits='With "delete". By default the contact is tagged.',
        ),
        lookup("ghl", "Read one contact", "get-contact", test="test_each_field_has_its_winner"),
        lookup(
            *("ghl", "Search contacts by filters", "search-contacts-advanced"),
            test="test_what_no_webhook_reports_is_found_by_sweep_and_search",
            setting="connections.NAME.sweep.opt_outs_minutes",
        ),
        lookup(
            *("ghl", "Find the contact of an e-mail or telephone", "get-duplicate-contact"),
            test="test_a_location_that_allows_duplicates_gets_none_of_us",
        ),
        client_only(
            *("ghl", "action", "Add or change a contact in one step", "upsert-contact"),
            reason="Never used: it takes whoever has the same telephone for the same person.",
        ),
        client_only(
            "ghl", "lookup", "List contacts", "get-contacts", reason="Deprecated by GoHighLevel; the search is used."
        ),
        client_only(
            *("ghl", "action", "Let users follow a contact", "add-followers-contact", "remove-followers-contact"),
            reason="Lofty has nothing of the kind that could be carried.",
        ),
        refused(
            *("ghl", "action", "Write additional e-mails and telephones"),
            "They are read-only: a request that names them is refused (its issue 262).",
        ),
        refused(
            *("ghl", "action", "Change gender or company name of a contact"),
            "They are taken when a contact is added, and refused in a change.",
        ),
        refused(
            *("ghl", "action", "Add a contact at most once by a key of our own"),
            "There is no idempotency key. A refused duplicate, markers and a search take its place.",
        ),
        refused(
            "ghl",
            "trigger",
            "A form or survey is submitted",
            "No such event is documented. A workflow in GoHighLevel can add a tag, which is an event.",
        ),
    ),
)

TAGS = Section(
    "Tags",
    (
        trigger(
            *("ghl", "A tag is added to or removed from a contact", "ContactTagUpdate"),
            test="test_a_rule_makes_one_task_of_one_event_however_often_it_comes",
            setting="connections.NAME.back.rules",
        ),
        action("ghl", "Add tags to a contact", "add-tags", test=_LIFE, setting="connections.NAME.tags"),
        action(
            *("ghl", "Remove our tags from a contact", "remove-tags"),
            test=_LIFE,
            setting="connections.NAME.tags",
            limits="Never those that somebody else added, unless they are listed as owned.",
        ),
        client_only(
            "ghl",
            "action",
            "Tag many contacts at once",
            "create-association",
            reason="Tags are written in each contact's turn.",
        ),
        client_only(
            "ghl",
            "lookup",
            "List a location's tags",
            "get-location-tags",
            reason="Not needed: tags are made when they are used.",
        ),
        allowed(
            *("ghl", "action", "Add, read, rename and delete tags of a location", "POST /locations/{locationId}/tags"),
            *("GET /locations/{locationId}/tags/{tagId}", "PUT /locations/{locationId}/tags/{tagId}"),
            "DELETE /locations/{locationId}/tags/{tagId}",
            scopes="locations/tags.write",
            reason="Not needed: a tag is made when a contact gets it, and its name is a person's matter.",
        ),
        client_only(
            "lofty", "lookup", "List a team's tags", "list-tags", reason="Not needed: each lead brings its tags."
        ),
        refused("lofty", "action", "Delete a tag of a team", "Tags can be taken from leads, and not be deleted."),
    ),
)

OPT_OUTS = Section(
    "Opt-outs",
    (
        trigger(
            *("ghl", "A contact opts out, or a person closes a channel", "ContactDndUpdate"),
            test=_CROSS,
            setting=_OPT_OUTS,
        ),
        action("ghl", "Close texts, calls or e-mails of a contact", "update-contact", test=_CROSS, setting=_OPT_OUTS),
        action("lofty", "Close texts, calls or e-mails of a lead", "update-lead", test=_CROSS, setting=_OPT_OUTS),
        lookup(
            *("ghl", "Find opt-outs that no event reported", "search-contacts-advanced"),
            test="test_what_no_webhook_reports_is_found_by_sweep_and_search",
            setting="connections.NAME.sweep.opt_outs_minutes",
        ),
        allowed(
            *("ghl", "lookup", "Read and change what a contact is subscribed to"),
            *(
                "GET /conversations/preferences/unsubscriptions/status",
                "POST /conversations/preferences/unsubscriptions/user-change",
            ),
            reason="Kinds of e-mail within a channel, which Lofty does not have.",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Manage kinds of e-mail for subscriptions",
                "GET /conversations/preferences/custom-subtypes",
            ),
            *("POST /conversations/preferences/custom-subtypes", "PUT /conversations/preferences/custom-subtypes/{id}"),
            reason="Kinds of e-mail within a channel, which Lofty does not have.",
        ),
        refused(
            "ghl", "trigger", "A contact answers a text with STOP", "It fires no event; the hourly search finds it."
        ),
        refused(
            "ghl",
            "trigger",
            "Incoming messages of a contact are blocked",
            "A change of the inbound setting fires no event (its issue 264).",
        ),
        refused(
            "ghl", "action", "Lift a permanent opt-out", "Refused by GoHighLevel; the contact itself must opt in again."
        ),
    ),
)

SECTIONS = (LEADS, CONTACTS, TAGS, OPT_OUTS)
