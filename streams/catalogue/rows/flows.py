"""What teams ask for: what happens on one side, and what we do on the other."""

from __future__ import annotations

from streams.catalogue.row import CatalogueRow, Section, allowed, flow
from streams.mapping.lofty_sync import RULE_EVENTS

_BACK = "connections.NAME.back"

FROM_LOFTY = Section(
    "From Lofty to GoHighLevel",
    (
        flow(
            *("lofty", "A new lead becomes a contact with its fields and tags", "2 createdLead", "create-contact"),
            "add-tags",
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
            limits="A lead that has neither name, e-mail nor telephone waits until it has one.",
        ),
        flow(
            *("lofty", "A changed lead changes its contact", "2 updatedLead", "update-contact"),
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
            setting="mappings.NAME.fields",
            limits="Only mapped fields that changed are written.",
        ),
        flow(
            *("lofty", "A lead that was in GoHighLevel before is linked to its contact", "2 createdLead"),
            *("get-contact", "update-contact"),
            test="test_who_was_in_ghl_before_is_adopted_only_if_it_is_the_same_person",
            limits="Only if it is the same person; conflicts are listed for a person to decide.",
        ),
        flow(
            *("lofty", "A deleted lead tags, deletes or leaves its contact", "2 deletedLead", "add-tags"),
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
            setting="connections.NAME.policies.lead_deleted",
        ),
        flow(
            *("lofty", "A lead's stage fills a field of its contact", "12 updatedLeadstage", "update-contact"),
            test="test_a_stage_fills_its_field_and_follows",
            setting="mappings.NAME.fields",
            limits="A custom field, such as Lofty stage.",
        ),
        flow(
            *("lofty", "Keep pipelines up to date: a lead's stage moves an opportunity", "12 updatedLeadstage"),
            *("create-opportunity", "update-opportunity"),
            test="test_a_leads_stage_moves_its_opportunity_by_one_write",
            setting="connections.NAME.stages",
            limits="By a table of pairs; pipelines and stages are made in GoHighLevel. A stage that is moved there stays so until Lofty's changes, unless stage has an owner.",
        ),
        allowed(
            *("lofty", "flow", "Keep deals up to date: a transaction's value and close move an opportunity"),
            *("create-opportunity", "update-opportunity"),
            on="5 createdTransaction, 5 updatedTransaction, 5 deletedTransaction",
            reason="Not built yet. Today a transaction only causes the lead to be read again.",
        ),
        flow(
            *("lofty", "A note is kept on the contact, with who wrote it and when", "9 createdNote", "create-note"),
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
        ),
        flow(
            *(
                "lofty",
                "A changed or deleted note follows",
                "9 updatedNote, 9 deletedNote",
                "update-note",
                "delete-note",
            ),
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
        ),
        flow(
            *("lofty", "A task is kept on the contact, assigned to the same person", "10 createdTask", "create-task"),
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
            limits="The person is found by e-mail; without one in GoHighLevel the task has nobody.",
        ),
        flow(
            *("lofty", "A changed or deleted task follows", "10 updatedTask, 10 deletedTask", "update-task"),
            "delete-task",
            test="test_a_changed_task_follows_and_goes",
        ),
        flow(
            *("lofty", "A finished task is completed", "10 finishedTask", "update-task-completed"),
            test="test_a_lead_its_notes_and_its_tasks_live_through_all_they_can",
        ),
        flow(
            *("lofty", "An appointment is booked in a calendar and follows", "11 createdAppt, 11 updatedAppt"),
            *("create-appointment", "edit-appointment"),
            test="test_an_appointment_of_lofty_stands_in_the_calendar_and_follows",
            setting="connections.NAME.appointments.calendar",
        ),
        flow(
            *("lofty", "A finished or deleted appointment is shown or goes", "11 finishedAppt, 11 deletedAppt"),
            *("edit-appointment", "delete-event"),
            test="test_an_appointment_of_lofty_stands_in_the_calendar_and_follows",
            setting="connections.NAME.appointments.calendar",
        ),
        flow(
            *("lofty", "Without a calendar an appointment is a task", "11 createdAppt", "create-task"),
            test="test_an_appointment_is_a_task_where_no_calendar_is_set",
        ),
        flow(
            *("lofty", "An opt-out closes the same channel", "2 updatedLead", "update-contact"),
            test="test_opt_outs_cross_by_webhook_in_both_directions",
            setting="connections.NAME.opt_outs",
            limits="Only ever tighter: nothing is opened again.",
        ),
        allowed(
            *("lofty", "flow", "Maintain a complete activity history: calls, texts and e-mails on the contact"),
            *("create-note", "POST /conversations/messages/inbound", "POST /conversations/messages/outbound"),
            on="6 createdCall, 7 createdEmail, 8 createdText",
            scopes="conversations/message.write",
            reason="Not built yet. Today a call, e-mail or text only causes the lead to be read again; notes, tasks and appointments "
            "are carried whole.",
        ),
        allowed(
            *("lofty", "flow", "Enrol a contact in a workflow or campaign when its lead changes"),
            *("add-contact-to-workflow", "add-contact-to-campaign"),
            on="12 updatedLeadstage, 2 updatedLead",
            reason="Not built yet: no rule of this direction. A tag or field that is carried can start a workflow in GoHighLevel.",
        ),
    ),
)

_RULE_LIMITS = {
    "task deleted": "Only of tasks that are copied to Lofty: the event names no contact.",
}


def _rule(name: str) -> CatalogueRow:
    return flow(
        *("ghl", f"When in GoHighLevel: {name}, make a task or a note in Lofty", RULE_EVENTS[name]),
        *("create-task", "create-note"),
        test="test_each_event_of_a_rule_makes_a_task_and_a_note",
        setting=f"{_BACK}.rules",
        limits=_RULE_LIMITS.get(name, ""),
    )


TO_LOFTY = Section(
    "From GoHighLevel to Lofty",
    (
        flow(
            *("ghl", "An edited name, e-mail or telephone changes the lead", "ContactUpdate", "update-lead"),
            test="test_each_field_has_its_winner",
            setting=f"{_BACK}.fields",
            limits="First name, last name, e-mail and telephone.",
        ),
        flow(
            *("ghl", "An opt-out closes the same channel of the lead", "ContactDndUpdate", "update-lead"),
            test="test_opt_outs_cross_by_webhook_in_both_directions",
            setting="connections.NAME.opt_outs",
            limits="An opt-out by a texted STOP fires no event: a search each hour finds it.",
        ),
        flow(
            *("ghl", "A note is copied to the lead and follows", "NoteCreate, NoteUpdate, NoteDelete", "create-note"),
            *("update-note", "delete-note"),
            test="test_appointments_notes_and_tasks_of_ghl_appear_once_in_lofty_and_follow",
            setting=f"{_BACK}.notes",
        ),
        flow(
            *("ghl", "A task is copied to the lead and follows", "TaskCreate, TaskComplete, TaskDelete", "create-task"),
            *("finish-task", "delete-task"),
            test="test_appointments_notes_and_tasks_of_ghl_appear_once_in_lofty_and_follow",
            setting=f"{_BACK}.tasks",
            limits="GoHighLevel reports no other change of a task.",
        ),
        flow(
            *("ghl", "A task of Lofty that is completed is finished in Lofty", "TaskComplete", "finish-task"),
            test="test_a_task_of_ours_completed_in_ghl_is_finished_in_lofty",
            setting=f"{_BACK}.finish_tasks",
        ),
        flow(
            *("ghl", "A booked appointment is a task of the type Appointment and follows"),
            *("AppointmentCreate, AppointmentUpdate", "create-task", "update-task", "delete-task"),
            test="test_appointments_notes_and_tasks_of_ghl_appear_once_in_lofty_and_follow",
            setting=f"{_BACK}.appointments",
        ),
        flow(
            *("ghl", "Create tasks in Lofty when actions occur in GoHighLevel", "ContactTagUpdate", "create-task"),
            test="test_a_rule_makes_one_task_of_one_event_however_often_it_comes",
            setting=f"{_BACK}.rules",
            limits="By rules with a condition and a text; the rows below name every event.",
        ),
        *map(_rule, RULE_EVENTS),
        allowed(
            *("ghl", "flow", "A new contact becomes a lead, routed to an agent"),
            *("create-lead", "POST /v1.0/leads/{leadId}/assignment"),
            on="ContactCreate",
            reason="Not built yet. Events of contacts without a lead are dropped after three minutes.",
        ),
        flow(
            *("ghl", "An opportunity that is moved changes the lead's stage"),
            *("OpportunityCreate, OpportunityUpdate, OpportunityStageUpdate, OpportunityStatusUpdate", "update-lead"),
            test="test_a_stage_moved_in_ghl_becomes_the_leads_by_one_write",
            setting=f"{_BACK}.fields",
            limits="By the table of pairs, where stage has an owner: lofty undoes it, ghl and newest carry it. A stage without a pair is not carried.",
        ),
        allowed(
            *("ghl", "flow", "A call, text or e-mail is kept in the lead's log", "POST /v1.0/logType"),
            on="InboundMessage, OutboundMessage",
            reason="Not built yet.",
        ),
        allowed(
            *("ghl", "flow", "A tag is copied to the lead", "update-lead"),
            on="ContactTagUpdate",
            reason="Not built yet: tags are Lofty's. A rule can make a task or a note of a tag.",
        ),
        allowed(
            *("ghl", "flow", "A contact's owner is assigned to the lead", "POST /v1.0/leads/{leadId}/assignment"),
            on="ContactUpdate",
            reason="Not built yet: the owner is carried from Lofty only.",
        ),
    ),
)

SECTIONS = (FROM_LOFTY, TO_LOFTY)
