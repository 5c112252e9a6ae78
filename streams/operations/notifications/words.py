"""Messages in the words of an agency: what happened, since when, what to do, and a link. Pure.

Only what is written here, names of connections, numbers and times are in a message: no text of a vendor, no data of a lead, no
secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from streams.core.moments import utc
from streams.core.notifications.news import News
from streams.messages.notification import Issue

Describe = Callable[["CauseText", list[Issue]], str]

MOST_NAMES = 10
LONGEST_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class CauseText:
    """One cause in words. `{vendor}` and `{records}` are filled in. `page` is the console's page about it."""

    says: str
    ended: str
    means: str
    to_do: str
    page: str = "/"


_ASK = "Ask whoever runs the sync engine to look at its log"
CAUSES: Mapping[str, CauseText] = {
    "no worker": CauseText(
        "The sync engine is not running",
        "The sync engine runs again",
        "Nothing is copied between Lofty and GoHighLevel. Nothing is lost: changes are kept, and copied later.",
        "Start the sync engine again, or ask whoever runs it.",
    ),
    "move": CauseText(
        "The sync engine is paused, because it is being made larger",
        "The sync engine runs again",
        "Nothing is copied between Lofty and GoHighLevel until that is done. Nothing is lost: changes are kept, and copied later.",
        "Tell whoever makes it larger: `lofty-ghl partitions show` says what it waits for.",
    ),
    "copy rests": CauseText(
        "Making the sync engine larger was begun, and does not go on",
        "Making the sync engine larger goes on, or was given up",
        "Everything is copied as usual.",
        "Tell whoever makes it larger: `lofty-ghl partitions show` says how to go on, and how to give it up.",
    ),
    "worker stopped": CauseText(
        "A part of the sync engine has stopped unexpectedly",
        "No part of the sync engine is reported missing now",
        "The other parts do its work.",
        f"{_ASK}, and to start it again.",
    ),
    "worker": CauseText(
        "A part of the sync engine reports a fault",
        "The sync engine reports no fault now",
        "Some changes may be late.",
        f"{_ASK}: `lofty-ghl status` names the fault.",
    ),
    "partitions": CauseText(
        "Part of the work is done by nobody",
        "All of the work is done again",
        "Changes of some leads wait.",
        "Wait some minutes. If it stays, restart the sync engine.",
    ),
    "no gateway": CauseText(
        "Webhooks cannot be received",
        "Webhooks are received again",
        "Changes are found by the regular check alone, so they come later.",
        "Start the gateway again, or ask whoever runs it.",
    ),
    "gateway stopped": CauseText(
        "A gateway has stopped unexpectedly",
        "No gateway is reported missing now",
        "The other gateways receive the webhooks.",
        f"{_ASK}, and to start the gateway again.",
    ),
    "gateway": CauseText(
        "A gateway uses another configuration",
        "All gateways use the same configuration",
        "Webhooks of some connections may be refused.",
        "Give all processes the same configuration file.",
    ),
    "unread": CauseText(
        "A gateway does not see what is edited",
        "All gateways see what is edited",
        "New people cannot sign in, or edited connections are served as before, at one of the gateways.",
        f"{_ASK}: the gateway's log says why, and `lofty-ghl topics show` what is missing.",
    ),
    "kafka": CauseText(
        "The storage of the sync engine (Kafka) is not reachable",
        "The storage of the sync engine (Kafka) is reachable again",
        "Nothing is copied, and webhooks are not accepted. Both vendors repeat those; the rest is found by the regular check.",
        "Start Kafka again, or ask whoever runs it.",
    ),
    "access": CauseText(
        "{vendor} refuses our access",
        "Access to {vendor} is back",
        "Changes wait until access is back. Nothing is lost.",
        "Connect {vendor} again, or replace the key, on the page Connections.",
        "/connections",
    ),
    "wrong account": CauseText(
        "The access to {vendor} belongs to another account",
        "The access to {vendor} is the right account's",
        "Nothing is copied, so that nothing of a stranger is.",
        "Connect the right {vendor} account on the page Connections.",
        "/connections",
    ),
    "other deployment": CauseText(
        "Two installations write to the same GoHighLevel location",
        "One installation alone writes to the GoHighLevel location again",
        "New notes and tasks may come twice.",
        f"Stop one of the two. {_ASK}: `lofty-ghl status` names the other one.",
        "/connections",
    ),
    "paused": CauseText(
        "{vendor} makes us wait",
        "{vendor} answers again",
        "Changes are late. Nothing is lost.",
        "Nothing: the sync engine tries again by itself. If it stays, look for a notice of {vendor}'s about an outage.",
        "/connections",
    ),
    "quota": CauseText(
        "Today's requests to {vendor} are used up",
        "Requests to {vendor} are allowed again",
        "Changes wait until the limit resets. Nothing is lost.",
        "Nothing: it continues by itself. If it happens often, other programs may use the same limit.",
        "/connections",
    ),
    "opt-out": CauseText(
        "An opt-out has not reached {vendor}",
        "All opt-outs have reached {vendor}",
        "Somebody wants no more messages, and {vendor} does not know. Each further message may cost a fine.",
        "Look at what needs attention, and set the opt-out in {vendor} by hand until then.",
        "/parked",
    ),
    "stuck": CauseText(
        "Changes do not arrive",
        "Changes arrive again",
        "Some leads are not up to date.",
        "Look at the page Overview: it says what they wait for.",
    ),
    "sweep": CauseText(
        "The full check of all leads is overdue",
        "The full check of all leads has ended",
        "Changes that no webhook reported are not found.",
        f"{_ASK}: it says why the check does not end.",
        "/connections",
    ),
    "schedule": CauseText(
        "The full checks of all leads take longer than the time between them",
        "The full checks of all leads can be made in time",
        "Lofty allows too few requests for them, so changes that no webhook reported are found later than is set.",
        "Check notes and tasks of quiet leads more seldom, or all leads, or use another app of Lofty. The page Overview says how much helps.",
        "/",
    ),
    "parked": CauseText(
        "{records} needing attention",
        "Nothing needs attention",
        "These were refused or could not be read. All other work continues.",
        "Open the page that lists them: it says why, and has buttons to retry or discard.",
        "/parked",
    ),
    "webhooks": CauseText(
        "Lofty has sent no webhook for a day",
        "Lofty sends webhooks again",
        "Changes are found by the regular check alone, so they come later.",
        "Ask whoever runs the sync engine for `lofty-ghl doctor`, then `lofty-ghl subscriptions apply`.",
        "/connections",
    ),
    "notifications": CauseText(
        "Messages to another recipient cannot be delivered",
        "Messages to all recipients are delivered",
        "Somebody else does not hear of problems.",
        "Open the page Notifications: it says why.",
        "/notifications",
    ),
}
_UNKNOWN = CauseText("A problem of a newer release", "A problem of a newer release is over", "", "Open the console.")


@dataclass(frozen=True, slots=True)
class Text:
    """A message."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What a daily summary counts. None for what is not known."""

    connections: int
    with_problems: int
    records_in_ghl: int | None
    on_the_way: int
    parked: int
    conflicts: int | None = None
    """Conflicts that nobody has decided."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How texts are made for one recipient. `labels` are names of connections by id, `url` is the console's address or empty."""

    zone: tzinfo
    labels: Mapping[str, str]
    url: str

    def news(self, news: News) -> Text:
        """What began, ended and lasts."""
        parts = [
            *self._part("", news.begun, self._begun),
            *self._part("Solved", news.ended, self._ended(news.at_ms)),
            *self._part("It has grown", news.grown, self._begun),
            *self._part("Still so", news.lasting, self._begun),
        ]
        if news.paused_until_ms is not None:
            until = self.time(news.paused_until_ms)
            parts.append(
                f"This is the last message before {until}, as many were sent within an hour. The console shows what is so now."
            )
        return Text(self._subject(news), "\n\n".join(parts))

    def summary(self, news: News, figures: Figures) -> Text:
        """Once a day."""
        of = _counted(figures.connections, "connection")
        well = f"All {of} work." if not figures.with_problems else f"{figures.with_problems} of {of} have a problem."
        if figures.connections == 1:
            well = "The connection works." if not figures.with_problems else "The connection has a problem."
        lines = [well, f"{_counted(figures.on_the_way, 'change')} on the way."]
        if figures.records_in_ghl is not None:
            lines.append(
                f"{_counted(figures.records_in_ghl, 'contact, note or task', 'contacts, notes and tasks')} in GoHighLevel."
            )
        if figures.parked:
            lines.append(f"{_counted(figures.parked, 'record')} needing attention.{self._link('/parked')}")
        if figures.conflicts:
            lines.append(f"{_counted(figures.conflicts, 'conflict')} to decide: who is who?{self._link('/conflicts')}")
        parts = ["\n".join(lines), *self._part("Open problems", news.lasting, self._begun)]
        if not news.lasting:
            parts.append(f"No open problems.{self._link('/')}")
        says = _counted(len(news.lasting), "open problem") if news.lasting else "all is well"
        if not news.lasting and figures.conflicts:
            says = f"{_counted(figures.conflicts, 'conflict')} to decide"
        return Text(f"lofty-ghl, daily summary: {says}", "\n\n".join(parts))

    def test(self, recipient: str, by: str) -> Text:
        """A test message."""
        who = f" by {by}" if by else ""
        body = f"This is a test{who}: messages to the recipient {recipient!r} arrive.{self._link('/notifications')}"
        return Text("lofty-ghl: test message", body)

    def time(self, at_ms: int) -> str:
        """A moment by the recipient's clock."""
        at = utc(at_ms).astimezone(self.zone)
        return f"{at.day} {at:%b %H:%M} {at.tzname() or ''}".rstrip()

    def names(self, issues: Iterable[Issue]) -> str:
        """The connections of some issues, the first of many."""
        found = sorted({self.labels.get(name, name) for issue in issues for name in issue.connections})
        more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
        return ", ".join(found[:MOST_NAMES]) + more

    def _subject(self, news: News) -> str:
        first, issues = ("", news.begun) if news.begun else ("Solved: ", news.ended)
        if not issues:
            first, issues = ("Still: ", (*news.grown, *news.lasting))
        groups = _grouped(issues)
        names = self.names(issues) or "lofty-ghl"
        if len(groups) == 1:
            [(text, same)] = groups
            says = _filled(text.ended if issues is news.ended else text.says, same)
        else:
            says = _counted(len(issues), "problem")
        solved = f" ({_counted(len(news.ended), 'other problem')} solved)" if news.begun and news.ended else ""
        subject = f"{first}{names}: {says}{solved}"
        return subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 1]}…"

    def _part(self, title: str, issues: tuple[Issue, ...], describe: Describe) -> Iterator[str]:
        if issues:
            texts = [describe(text, same) for text, same in _grouped(issues)]
            yield "\n\n".join([f"{title}:" if title else "", *texts]).strip()

    def _begun(self, text: CauseText, issues: list[Issue]) -> str:
        since = self.time(min(issue.since_ms for issue in issues))
        lines = [f"{self._of(issues)}{_filled(text.says, issues)}, since {since}."]
        if any(issue.is_unstable for issue in issues):
            lines.append("It comes and goes. You are sent no more about it until it has been well for an hour.")
        lines += [_filled(text.means, issues), f"What to do: {_filled(text.to_do, issues)}"]
        return "\n".join(filter(None, lines)) + self._link(text.page)

    def _ended(self, now_ms: int) -> Describe:
        def describe(text: CauseText, issues: list[Issue]) -> str:
            since = min(issue.since_ms for issue in issues)
            ended = max(issue.seen_ms for issue in issues)
            lasted = _length(max(0, ended - since))
            return f"{self._of(issues)}{_filled(text.ended, issues)}. It had begun {self.time(since)}, and lasted {lasted}."

        return describe

    def _of(self, issues: list[Issue]) -> str:
        names = self.names(issues)
        return f"{names}: " if names else ""

    def _link(self, page: str) -> str:
        return f"\n{self.url}/console{page}" if self.url else ""


def _grouped(issues: Iterable[Issue]) -> list[tuple[CauseText, list[Issue]]]:
    """Issues of one cause and vendor together, with their words."""
    found: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        found.setdefault((issue.cause, _vendor(issue)), []).append(issue)
    return [(CAUSES.get(cause, _UNKNOWN), same) for (cause, _), same in found.items()]


def _vendor(issue: Issue) -> str:
    """The vendor that an issue is about: a budget's, which is read or write, or that which lacks an opt-out."""
    first = issue.of.partition(" ")[0]
    return {"read": "Lofty", "write": "GoHighLevel", "Lofty": "Lofty", "GHL": "GoHighLevel"}.get(first, "")


def _filled(text: str, issues: list[Issue]) -> str:
    records = _counted(sum(issue.number for issue in issues), "record")
    return text.replace("{vendor}", _vendor(issues[0])).replace("{records}", records)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _length(ms: int) -> str:
    minutes = ms // 60_000
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return _counted(minutes, "minute")
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
