"""Notes, tasks and appointments of both vendors."""

from __future__ import annotations

from streams.catalogue.row import Section, action, allowed, client_only, lookup, refused, trigger

_LIFE = "test_a_lead_its_notes_and_its_tasks_live_through_all_they_can"
_CHANGED = "test_a_changed_task_follows_and_goes"
_BACK = "connections.NAME.back"
_FOLLOW = "test_appointments_notes_and_tasks_of_ghl_appear_once_in_lofty_and_follow"
_CALENDAR = "connections.NAME.appointments.calendar"
_IN_CALENDAR = "test_an_appointment_of_lofty_stands_in_the_calendar_and_follows"
_MEMORY = "test_a_tasks_user_whom_ghl_lacks_is_told_and_assigned_once_it_is_there"
_SWEPT = "test_without_any_webhook_the_sweep_brings_all_that_changed"
_LOST = "test_a_lost_answer_of_lofty_makes_no_second_task"
_V1 = "The second version of Lofty's tasks is used."

NOTES = Section(
    "Notes",
    (
        trigger("lofty", "A note is added to a lead", "9 createdNote", test=_LIFE),
        trigger("lofty", "A note of a lead is changed", "9 updatedNote", test=_LIFE),
        trigger("lofty", "A note of a lead is deleted", "9 deletedNote", test=_LIFE),
        lookup("lofty", "Read one note of a lead", "get-note", test=_LIFE),
        lookup(
            "lofty", "List the notes of a lead", "list-notes", test=_SWEPT, setting="connections.NAME.sweep.children"
        ),
        action("lofty", "Add a note to a lead", "create-note", test=_FOLLOW, setting=f"{_BACK}.notes"),
        action("lofty", "Change a note of a lead", "update-note", test=_FOLLOW, setting=f"{_BACK}.notes"),
        action("lofty", "Delete a note of a lead", "delete-note", test=_FOLLOW, setting=f"{_BACK}.notes"),
        trigger("ghl", "A note is added to a contact", "NoteCreate", test=_FOLLOW, setting=f"{_BACK}.notes"),
        trigger("ghl", "A note of a contact is changed", "NoteUpdate", test=_FOLLOW, setting=f"{_BACK}.notes"),
        trigger("ghl", "A note of a contact is deleted", "NoteDelete", test=_FOLLOW, setting=f"{_BACK}.notes"),
        action("ghl", "Add a note to a contact", "create-note", test=_LIFE),
        action("ghl", "Change a note of a contact", "update-note", test=_LIFE),
        action("ghl", "Delete a note of a contact", "delete-note", test=_LIFE),
        lookup(
            *("ghl", "List the notes of a contact", "get-all-notes"),
            test=_MEMORY,
            limits="To find our own by their marker, and to compare.",
        ),
        lookup("ghl", "Read one note of a contact", "get-note", test=_FOLLOW, setting=f"{_BACK}.notes"),
        refused(
            "ghl",
            "lookup",
            "Read who wrote a note from its event",
            "The event has the text, the contact and the time, and nothing else (its issue 312).",
        ),
    ),
)

TASKS = Section(
    "Tasks",
    (
        trigger("lofty", "A task is added to a lead", "10 createdTask", test=_LIFE),
        trigger("lofty", "A task of a lead is changed", "10 updatedTask", test=_CHANGED),
        trigger("lofty", "A task of a lead is finished", "10 finishedTask", test=_LIFE),
        trigger("lofty", "A task of a lead is deleted", "10 deletedTask", test=_LIFE),
        lookup("lofty", "Read one task of a lead", "get-task", test=_LIFE),
        lookup(
            "lofty", "List the tasks of a lead", "list-tasks", test=_SWEPT, setting="connections.NAME.sweep.children"
        ),
        action("lofty", "Add a task to a lead", "create-task", test=_FOLLOW, setting=f"{_BACK}.tasks"),
        action("lofty", "Change a task of a lead", "update-task", test=_FOLLOW, setting=f"{_BACK}.appointments"),
        action("lofty", "Finish a task of a lead", "finish-task", test=_FOLLOW, setting=f"{_BACK}.finish_tasks"),
        action(
            *("lofty", "Open a finished task again", "unfinish-task"),
            test="test_a_copied_task_is_opened_again_with_its_appointment",
            setting=f"{_BACK}.appointments",
        ),
        action("lofty", "Delete a task of a lead", "delete-task", test=_FOLLOW, setting=f"{_BACK}.tasks"),
        client_only("lofty", "lookup", "Read tasks in the first version", "list-tasks-v1", "get-task-v1", reason=_V1),
        allowed(
            *("lofty", "action", "Write tasks in the first version", "POST /v1.0/tasks", "PUT /v1.0/tasks/{taskId}"),
            "DELETE /v1.0/tasks/{taskId}",
            reason=_V1,
        ),
        allowed(
            *("lofty", "lookup", "List the tasks of the key's owner", "GET /v2.0/tasks/my-tasks"),
            reason="Of one person only; tasks are read by lead.",
        ),
        allowed(
            *("lofty", "action", "Add tasks of a Smart Plan to leads", "POST /v2.0/plan-tasks/create"),
            "GET /v2.0/plan-tasks/lead/{leadId}",
            reason="Meant for Lofty's sales agents. A rule makes ordinary tasks.",
        ),
        refused("lofty", "action", "Finish a task of a Smart Plan", "Lofty refuses it (TASK_IS_SMARTPLAN)."),
        trigger("ghl", "A task is added to a contact", "TaskCreate", test=_FOLLOW, setting=f"{_BACK}.tasks"),
        trigger(
            *("ghl", "A task of a contact is completed", "TaskComplete"),
            test="test_a_task_of_ours_completed_in_ghl_is_finished_in_lofty",
            setting=f"{_BACK}.finish_tasks",
        ),
        trigger("ghl", "A task of a contact is deleted", "TaskDelete", test=_FOLLOW, setting=f"{_BACK}.tasks"),
        refused(
            "ghl", "trigger", "A task of a contact is changed", "No event reports a new text, time or person of a task."
        ),
        action("ghl", "Add a task to a contact", "create-task", test=_LIFE),
        action("ghl", "Change a task of a contact", "update-task", test=_CHANGED),
        action("ghl", "Complete a task of a contact", "update-task-completed", test=_LIFE),
        action("ghl", "Delete a task of a contact", "delete-task", test=_LIFE),
        lookup(
            *("ghl", "List the tasks of a contact", "get-all-tasks"),
            test=_MEMORY,
            limits="To find our own by their marker, and to compare.",
        ),
        lookup("ghl", "Read one task of a contact", "get-task", test=_FOLLOW, setting=f"{_BACK}.tasks"),
        lookup(
            *("ghl", "Find a task of a location", "task-search"),
            test=_FOLLOW,
            setting=f"{_BACK}.tasks",
            limits="The event of a new task may name no contact.",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Add, read, change and delete recurring tasks",
                "POST /locations/{locationId}/recurring-tasks",
            ),
            *("GET /locations/{locationId}/recurring-tasks/{id}", "PUT /locations/{locationId}/recurring-tasks/{id}"),
            "DELETE /locations/{locationId}/recurring-tasks/{id}",
            reason="Lofty's tasks do not recur.",
        ),
    ),
)

APPOINTMENTS = Section(
    "Appointments",
    (
        trigger("lofty", "An appointment is added", "11 createdAppt", test=_IN_CALENDAR),
        trigger("lofty", "An appointment is changed", "11 updatedAppt", test=_IN_CALENDAR),
        trigger("lofty", "An appointment is finished", "11 finishedAppt", test=_IN_CALENDAR),
        trigger("lofty", "An appointment is deleted", "11 deletedAppt", test=_IN_CALENDAR),
        client_only(
            *("lofty", "lookup", "List the appointments of a lead", "list-appointments"),
            reason="Not needed: appointments share the ids of tasks and are read as these.",
        ),
        allowed(
            *("lofty", "lookup", "List the calendar of the key's owner", "GET /v2.0/calendar"),
            "GET /v2.0/calendar/meetings/available",
            reason="Of one person only; appointments are read by lead.",
        ),
        allowed(
            *("lofty", "action", "Add, change, finish and delete calendar events", "POST /v2.0/calendar"),
            *("PUT /v2.0/calendar/{calendarId}", "DELETE /v2.0/calendar/{calendarId}"),
            *("POST /v2.0/calendar/{calendarId}/finish", "POST /v2.0/calendar/{calendarId}/unfinish"),
            reason="Not used: an appointment of GoHighLevel becomes a task of the type Appointment.",
        ),
        trigger("ghl", "An appointment is booked", "AppointmentCreate", test=_FOLLOW, setting=f"{_BACK}.appointments"),
        trigger(
            "ghl",
            "An appointment is moved or cancelled",
            "AppointmentUpdate",
            test=_FOLLOW,
            setting=f"{_BACK}.appointments",
        ),
        trigger(
            *("ghl", "A booked appointment is deleted", "AppointmentDelete"),
            test="test_each_event_of_a_rule_makes_a_task_and_a_note",
            setting=f"{_BACK}.rules",
        ),
        action("ghl", "Book an appointment", "create-appointment", test=_IN_CALENDAR, setting=_CALENDAR),
        action("ghl", "Move or change an appointment", "edit-appointment", test=_IN_CALENDAR, setting=_CALENDAR),
        action("ghl", "Delete an appointment", "delete-event", test=_IN_CALENDAR, setting=_CALENDAR),
        lookup(
            *("ghl", "List a calendar's appointments", "get-calendar-events"),
            test="test_a_create_whose_answer_is_lost_makes_no_second_one_on_either_side",
            setting=_CALENDAR,
            limits="To find our own again.",
        ),
        lookup(
            *("ghl", "Read the appointments of a contact", "get-appointments-for-contact", "get-appointment"),
            test=_IN_CALENDAR,
            setting=_CALENDAR,
            limits="To compare, and to find our own again.",
        ),
        lookup(
            *("ghl", "Read a calendar and its team", "get-calendar"),
            test="test_the_calendars_team_is_read_with_the_locations_names",
            setting=_CALENDAR,
        ),
        allowed(
            *(
                "ghl",
                "lookup",
                "List calendars and their free times",
                "GET /calendars/",
                "GET /calendars/{calendarId}/free-slots",
            ),
            scopes="calendars.readonly",
            reason="Not used: the calendar is set by its id, and Lofty's appointments ignore free times.",
        ),
        allowed(
            *("ghl", "action", "Add, change and delete calendars", "POST /calendars/", "PUT /calendars/{calendarId}"),
            "DELETE /calendars/{calendarId}",
            scopes="calendars.write",
            reason="A person's matter: a calendar is chosen, not made.",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Block times of a calendar",
                "GET /calendars/blocked-slots",
                "POST /calendars/events/block-slots",
            ),
            "PUT /calendars/events/block-slots/{eventId}",
            scopes="calendars/events.readonly calendars/events.write",
            reason="Lofty has no blocked times.",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Read and write notes of an appointment",
                "GET /calendars/appointments/{appointmentId}/notes",
            ),
            "POST /calendars/appointments/{appointmentId}/notes",
            "PUT /calendars/appointments/{appointmentId}/notes/{noteId}",
            "DELETE /calendars/appointments/{appointmentId}/notes/{noteId}",
            scopes="calendars/events.readonly calendars/events.write",
            reason="Lofty's notes are of leads, not of appointments.",
        ),
    ),
)

SECTIONS = (NOTES, TASKS, APPOINTMENTS)
