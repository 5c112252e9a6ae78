"""Who works with leads, the fields of both sides, access, and how changes are reported."""

from __future__ import annotations

from streams.catalogue.row import Section, action, allowed, client_only, lookup, refused, trigger

_ROUTED = "Not built yet: Lofty routes its leads itself, and new leads from GoHighLevel are not built yet."
_PEOPLE = "A person's matter: users are made and removed by hand."
_ASSIST = "Lofty's sales assistant works within Lofty; nothing of it has a place in GoHighLevel."
_FIELDS = "test_a_location_gets_the_fields_that_its_contacts_fill_before_the_first_of_these_is_written"
_MARKS = "test_two_deployments_notice_each_other_and_one_takes_over"
_CONSENT = "test_consent_for_the_whole_agency_gives_the_locations_token"
_HOOKS = "test_subscriptions_are_made_repaired_and_removed"

PEOPLE = Section(
    "Agents, users and routing",
    (
        lookup(
            *("lofty", "List a team's members", "list-members"),
            test="test_an_option_or_a_user_that_is_lacking_is_told_and_written_once_it_is_there",
            limits="Their e-mails lead to the users of GoHighLevel.",
        ),
        lookup(
            *("lofty", "Read whose key it is", "get-me"),
            test="test_lofty_by_consent_at_both_of_its_servers",
            limits="A key of another team is refused.",
        ),
        allowed(
            *("lofty", "lookup", "Read one member", "GET /v1.0/members/{account}", "GET /v1.0/users/{userId}"),
            reason="Not needed: all members are listed.",
        ),
        allowed(
            *("lofty", "trigger", "An agent's profile is changed"),
            on="1 updatedAgent",
            reason="Accepted, and without effect: it names no lead. Members are read each hour.",
        ),
        allowed(
            *("lofty", "lookup", "Preview to whom a lead would be routed", "POST /v1.0/leads/assignee"),
            reason=_ROUTED,
        ),
        allowed("lofty", "action", "Assign a lead to an agent", "POST /v1.0/leads/{leadId}/assignment", reason=_ROUTED),
        allowed(
            *(
                "lofty",
                "lookup",
                "Read the rules of routing",
                "GET /v1.0/routing/rule/list/{type}",
                "GET /v1.0/routing/role/list",
            ),
            *("GET /v1.0/routing/member/list/{type}", "GET /v1.0/routing/rule/supplement/{type}"),
            reason=_ROUTED,
        ),
        allowed(
            *("lofty", "action", "Change the rules of routing", "PUT /v1.0/routing/rule/{type}"),
            "PUT /v1.0/routing/rule/supplement/{type}",
            reason="A person's matter.",
        ),
        allowed(
            *(
                "lofty",
                "lookup",
                "List lead ponds",
                "GET /v1.0/team-features/lead-ponds",
                "GET /v1.0/team-features/lead-pond/{id}",
            ),
            reason="The name of a lead's pond is on the lead, and can be mapped.",
        ),
        allowed(
            *(
                "lofty",
                "lookup",
                "Read the organization and its offices",
                "GET /v1.0/org",
                "GET /v1.0/org/permission/profiles",
            ),
            reason="Not needed: a connection is one team.",
        ),
        allowed(
            *("lofty", "action", "Change the organization and its offices", "POST /v1.0/org/company"),
            *("PUT /v1.0/org/office", "POST /v1.0/org/office"),
            reason="A person's matter.",
        ),
        allowed(
            *("lofty", "action", "Add, tag, end and bring back an agent", "POST /v1.0/agent/profile/add"),
            *("POST /v1.0/agent/{agentId}/tag/add", "POST /v2.0/agents/{agentId}/deactivate"),
            "POST /v2.0/agents/{agentId}/reactivate",
            reason=_PEOPLE,
        ),
        lookup(
            *("ghl", "List a location's users", "get-user-by-location"),
            test="test_an_option_or_a_user_that_is_lacking_is_told_and_written_once_it_is_there",
            limits="Deprecated by GoHighLevel, which names no other way for a location.",
        ),
        allowed(
            *("ghl", "lookup", "Search and read users", "GET /users/search", "POST /users/search/filter-by-email"),
            "GET /users/{userId}",
            scopes="users.readonly",
            reason="The search needs an agency's token; a location's users are listed.",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Add, change and delete users",
                "POST /users/",
                "PUT /users/{userId}",
                "DELETE /users/{userId}",
            ),
            scopes="users.write",
            reason=_PEOPLE,
        ),
        allowed(
            "ghl",
            "trigger",
            "A user is added",
            on="UserCreate",
            reason="Not needed: users are listed again each hour, and when a name is not found.",
        ),
    ),
)

FIELDS = Section(
    "Fields",
    (
        lookup("ghl", "List a location's custom fields", "get-custom-fields", test=_FIELDS),
        action(
            *("ghl", "Add a custom field", "create-custom-field"),
            test=_FIELDS,
            setting="connections.NAME.policies.create_custom_fields",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Read, change and delete one custom field",
                "GET /locations/{locationId}/customFields/{id}",
            ),
            *("PUT /locations/{locationId}/customFields/{id}", "DELETE /locations/{locationId}/customFields/{id}"),
            reason="A person's matter: fields are added where they lack, and never changed.",
        ),
        allowed(
            *("ghl", "action", "Put a file into a custom field", "POST /locations/{locationId}/customFields/upload"),
            scopes="locations/customFields.write",
            reason="Files are carried by no direction.",
        ),
        client_only(
            *("lofty", "lookup", "List a team's custom fields", "list-custom-fields"),
            reason="Not needed: each lead brings its own.",
        ),
        allowed(
            "lofty",
            "action",
            "Add a custom field of leads",
            "POST /v1.0/teamFeatures/custom-field",
            reason="Nothing is written into custom fields of Lofty.",
        ),
    ),
)

REPORTS = Section(
    "How changes are reported",
    (
        lookup("lofty", "List webhook subscriptions", "list-subscriptions", test=_HOOKS),
        action(
            *("lofty", "Subscribe to changes", "create-subscription"),
            test=_HOOKS,
            setting="gateway.public_url",
            limits="Leads, notes, tasks, appointments and stages.",
        ),
        action("lofty", "End a subscription", "delete-subscription", test=_HOOKS),
        refused(
            "lofty", "action", "Change a subscription", "There is no operation for it: ours are ended and made again."
        ),
        refused(
            "lofty",
            "lookup",
            "Get missed webhooks again",
            "Lofty keeps no log of deliveries. The full check finds what no webhook reported.",
        ),
        refused("lofty", "trigger", "Webhooks are signed", "Lofty signs none; the address has a secret part instead."),
        refused(
            "ghl",
            "action",
            "Subscribe to events by the interface",
            "Events are switched on in the app's settings in the marketplace.",
        ),
        refused(
            "ghl",
            "trigger",
            "Events without an app",
            "A private integration token is sent none; hourly searches find opt-outs.",
        ),
    ),
)

ACCESS = Section(
    "Access and accounts",
    (
        trigger(
            *("ghl", "The app is installed in a location", "INSTALL"),
            test="test_an_installation_in_a_new_location_waits_for_a_person_who_is_told_what_to_write",
        ),
        trigger(
            *("ghl", "The app is removed from a location or an agency", "UNINSTALL"),
            test="test_a_location_whose_app_is_uninstalled_pauses_until_it_is_installed_again",
        ),
        action(
            *("ghl", "Get and renew tokens by consent", "get-access-token"),
            test="test_an_expired_token_is_renewed_once_whoever_asks",
            setting="connections.NAME.ghl.auth",
        ),
        action(
            *("ghl", "Get a location's token by its agency's", "get-location-access-token"),
            test=_CONSENT,
            setting="oauth.ghl.agency",
        ),
        lookup(
            *("ghl", "List the locations where the app is installed", "get-installed-location"),
            test="test_an_agency_whose_token_has_ended_still_brings_its_locations",
            setting="oauth.ghl.agency",
        ),
        lookup(
            "ghl",
            "Read a location",
            "get-location",
            test=_FIELDS,
            limits="To know whether the access is whole.",
        ),
        lookup(
            "ghl",
            "Read custom values",
            "get-custom-values",
            test=_MARKS,
            limits="Marks by which two deployments notice each other.",
        ),
        action(
            *("ghl", "Write and delete our own custom values", "create-custom-value", "update-custom-value"),
            "delete-custom-value",
            test=_MARKS,
            limits="Marks by which two deployments notice each other.",
        ),
        allowed(
            *("ghl", "lookup", "Read one custom value", "GET /locations/{locationId}/customValues/{id}"),
            reason="Not needed: they are listed.",
        ),
        allowed(
            *("ghl", "lookup", "Search locations of an agency", "GET /locations/search"),
            scopes="locations.readonly",
            reason="The list of installations names them.",
        ),
        allowed(
            *("ghl", "lookup", "List time zones", "GET /locations/{locationId}/timezones"),
            scopes="locations.readonly",
            reason="The tz database is known.",
        ),
        allowed(
            *("ghl", "action", "Add, change and delete locations", "POST /locations/", "PUT /locations/{locationId}"),
            "DELETE /locations/{locationId}",
            scopes="locations.write locations.internal-access-only",
            reason="A person's matter.",
        ),
        allowed(
            "ghl",
            "trigger",
            "A location is added or changed",
            on="LocationCreate, LocationUpdate",
            reason="Sent to apps of agencies. An installation says what is needed.",
        ),
    ),
)

ASSISTANT = Section(
    "Lofty's assistant and messages to agents",
    (
        allowed(
            *("lofty", "lookup", "Ask about the sales agent and its leads", "GET /v2.0/sales-agents/current"),
            *("GET /v2.0/sales-agents/quota", "GET /v2.0/sales-agents/by-lead", "GET /v2.0/sales-agent/settings"),
            *("GET /v2.0/sales-agents/working-lead/{leadId}", "GET /v2.0/sales-agent/lead/mute-status"),
            "GET /v2.0/working-leads",
            reason=_ASSIST,
        ),
        allowed(
            *("lofty", "action", "Give leads to the sales agent, or mute it", "POST /v2.0/working-leads/add"),
            *("PUT /v2.0/sales-agents/working-lead/{leadId}/mute", "PUT /v2.0/sales-agent/settings"),
            reason=_ASSIST,
        ),
        allowed(
            *("lofty", "action", "Send a message to an agent", "POST /v2.0/sales-agent/message/sms/send-to-agent"),
            "POST /v2.0/sales-agent/message/email/send-to-agent",
            "POST /v2.0/sales-agent/notification/app-push/send-task-reminder",
            "POST /v2.0/sales-agent/ai-number/send-sms-to-agent",
            reason="A rule makes a task, of which Lofty reminds its agent.",
        ),
        allowed(
            *("lofty", "action", "Have a lead analysed or a call summed up", "POST /v2.0/ai/prepare-insight"),
            *("GET /v2.0/ai/lead-analysis", "POST /v2.0/ai/lead-analysis", "POST /v2.0/ai/call-summary/generate"),
            *("POST /v2.0/ai/call-script", "GET /v2.0/ai/call-summary"),
            reason=_ASSIST,
        ),
        allowed("lofty", "lookup", "List vendors", "GET /v1.0/vendor/list", reason="Not needed."),
    ),
)

SECTIONS = (PEOPLE, FIELDS, REPORTS, ACCESS, ASSISTANT)
