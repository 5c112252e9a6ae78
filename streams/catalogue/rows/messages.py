"""Calls, texts and e-mails of both vendors."""

from __future__ import annotations

from streams.catalogue.row import Section, allowed, refused, trigger

_HISTORY = "Not built yet: activity is carried by no direction so far."
_READ_AGAIN = "The lead is read again; the {what} itself is not carried. Not among the changes that are subscribed to."
_SAMPLES = "test_all_twelve_samples_become_the_right_changes"

MESSAGES = Section(
    "Calls, texts and e-mails",
    (
        trigger(
            "lofty", "A call is made or logged", "6 createdCall", test=_SAMPLES, limits=_READ_AGAIN.format(what="call")
        ),
        trigger(
            "lofty",
            "An e-mail is sent or logged",
            "7 createdEmail",
            test=_SAMPLES,
            limits=_READ_AGAIN.format(what="e-mail"),
        ),
        trigger(
            "lofty", "A text is sent or logged", "8 createdText", test=_SAMPLES, limits=_READ_AGAIN.format(what="text")
        ),
        refused(
            "lofty",
            "trigger",
            "An automatic call, e-mail or text is sent",
            "Lofty never reports automatic ones by webhook; its list of communications has them.",
        ),
        allowed(
            "lofty",
            "lookup",
            "List all communications of a team since a time",
            "GET /v2.0/communication/agent",
            reason=_HISTORY,
        ),
        allowed("lofty", "lookup", "Read one call", "GET /v2.0/communication/call/{communicationId}", reason=_HISTORY),
        allowed(
            "lofty", "lookup", "Read one e-mail", "GET /v2.0/communication/email/{communicationId}", reason=_HISTORY
        ),
        allowed("lofty", "lookup", "Read one text", "GET /v2.0/communication/text/{communicationId}", reason=_HISTORY),
        allowed(
            "lofty",
            "lookup",
            "List a lead's calls, e-mails and texts in order",
            "GET /v2.0/leads/{leadId}/activities",
            reason=_HISTORY,
        ),
        allowed(
            *(
                "lofty",
                "lookup",
                "List the calls of a lead",
                "GET /v1.0/communication/call",
                "GET /v1.0/communication/call/v2",
            ),
            *("GET /v1.0/calls", "GET /v1.0/calls/{callId}"),
            reason=_HISTORY,
        ),
        allowed("lofty", "lookup", "Get the recording of a call", "GET /v1.0/call/url/{callId}", reason=_HISTORY),
        allowed("lofty", "lookup", "List the e-mails of a lead", "GET /v1.0/communication/email", reason=_HISTORY),
        allowed("lofty", "lookup", "List the texts of a lead", "GET /v1.0/communication/text", reason=_HISTORY),
        allowed(
            *("lofty", "lookup", "Search communications of a day", "POST /v1.0/agent/communication"),
            reason="Older than the list of communications, and at most 24 hours.",
        ),
        allowed(
            *("lofty", "action", "Log a call, e-mail or text of a lead by hand", "POST /v1.0/logType"),
            reason=_HISTORY,
        ),
        allowed(
            *(
                "lofty",
                "lookup",
                "List and delete what was logged by hand",
                "GET /v1.0/logType",
                "GET /v1.0/logType/{logTypeId}",
            ),
            "DELETE /v1.0/logType/{logTypeId}",
            reason=_HISTORY,
        ),
        allowed(
            *("lofty", "action", "Send a text or an e-mail to a lead", "POST /v1.0/message/sms/send"),
            "POST /v1.0/message/email/send",
            reason="Nothing here writes to clients; GoHighLevel's workflows do.",
        ),
        allowed("ghl", "trigger", "A message of a contact comes in", on="InboundMessage", reason=_HISTORY),
        allowed("ghl", "trigger", "A message to a contact goes out", on="OutboundMessage", reason=_HISTORY),
        allowed(
            *(
                "ghl",
                "lookup",
                "Search and read conversations",
                "GET /conversations/search",
                "GET /conversations/{conversationId}",
            ),
            scopes="conversations.readonly",
            reason=_HISTORY,
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Add, change and delete a conversation",
                "POST /conversations/",
                "PUT /conversations/{conversationId}",
            ),
            "DELETE /conversations/{conversationId}",
            scopes="conversations.write",
            reason=_HISTORY,
        ),
        allowed(
            *("ghl", "lookup", "List and read messages", "GET /conversations/{conversationId}/messages"),
            *("GET /conversations/messages/{id}", "GET /conversations/messages/email/{id}"),
            scopes="conversations/message.readonly",
            reason=_HISTORY,
        ),
        allowed(
            *("ghl", "lookup", "Export all messages of a location", "GET /conversations/messages/export"),
            scopes="conversations/message.readonly",
            reason=_HISTORY,
        ),
        allowed(
            *("ghl", "action", "Add a message that came in elsewhere", "POST /conversations/messages/inbound"),
            scopes="conversations/message.write",
            reason=f"{_HISTORY} It needs a conversation provider.",
        ),
        allowed(
            *("ghl", "action", "Add a call that was made elsewhere", "POST /conversations/messages/outbound"),
            scopes="conversations/message.write",
            reason=f"{_HISTORY} It needs a conversation provider.",
        ),
        allowed(
            *("ghl", "action", "Send a message to a contact", "POST /conversations/messages"),
            scopes="conversations/message.write",
            reason="Nothing here writes to clients; GoHighLevel's workflows do.",
        ),
        allowed(
            *("ghl", "action", "Set the state of a message", "PUT /conversations/messages/{messageId}/status"),
            scopes="conversations/message.write",
            reason="For conversation providers.",
        ),
        allowed(
            *(
                "ghl",
                "action",
                "Cancel a message that is to be sent later",
                "DELETE /conversations/messages/{messageId}/schedule",
            ),
            "DELETE /conversations/messages/email/{emailMessageId}/schedule",
            scopes="conversations/message.write",
            reason="Nothing here schedules messages.",
        ),
        allowed(
            *("ghl", "lookup", "Get the recording or transcript of a call"),
            "GET /conversations/messages/{messageId}/locations/{locationId}/recording",
            "GET /conversations/locations/{locationId}/messages/{messageId}/transcription",
            "GET /conversations/locations/{locationId}/messages/{messageId}/transcription/download",
            scopes="conversations/message.readonly",
            reason=_HISTORY,
        ),
        allowed(
            *("ghl", "action", "Attach files to messages", "POST /conversations/messages/upload"),
            *("POST /conversations/messages/upload/initiate", "POST /conversations/messages/upload/complete"),
            "PUT /conversations/messages/{messageId}/attachments",
            scopes="conversations/message.write",
            reason="Files are carried by no direction.",
        ),
        allowed(
            *("ghl", "lookup", "List templates of e-mails and texts", "GET /locations/{locationId}/templates"),
            "DELETE /locations/{locationId}/templates/{id}",
            scopes="locations/templates.readonly",
            reason="Nothing here writes to clients.",
        ),
    ),
)

SECTIONS = (MESSAGES,)
