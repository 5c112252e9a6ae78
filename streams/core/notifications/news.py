"""Decides when a recipient is sent a message, and about what. Pure: the record of a recipient and an observation in, both out.

It compares what the recipient believes with what is so, at each look. What differs for long enough becomes one message, so

- twenty connections that break at once are one message, and so is what came together during quiet hours or an outage of the mail;
- an end is only reported of what was reported, and only once it has lasted;
- nothing is queued but one message. While it is not delivered, no other is composed; then one holds all that is new.

`Rules.most_per_hour` bounds the messages of every sixty minutes. The last one of an hour says so.
A problem whose beginning was reported `UNSTABLE_AFTER` times within an hour is reported as unstable, and then only its end,
once it was well for `STEADY_MS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from streams.core.notifications.problem import WORST, Observation, Problem
from streams.core.notifications.quiet_hours import QuietHours, last_occurrence_ms, minute_of_day
from streams.messages.notification import Issue, NotificationState
from streams.messages.recipient_edit import Reports

HOUR_MS = 3_600_000
GAP_MS = 30_000
"""A problem that is gone for less is still the same one: a budget that pauses is paused no longer while one request tries again."""
STEADY_MS = HOUR_MS
UNSTABLE_AFTER = 3
GROWS_BY = 10
"""Records that are parked are worth a message again once there are twice as many as in the last one, and so many more."""
SUMMARY_LATE_MS = 6 * HOUR_MS
"""A daily summary that could not be composed by then is left out."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When one recipient is sent what. `summary_minute` is the minute of the day of the summary, None for none.

    What `reports` leaves out counts as reported without a message: so the summary names it.
    """

    after_ms: int
    group_ms: int
    reminder_ms: int
    most_per_hour: int
    zone: tzinfo = UTC
    quiet: QuietHours | None = None
    summary_minute: int | None = None
    reports: Reports = "broke and recovered"


@dataclass(frozen=True, slots=True)
class News:
    """What one message reports. `ended` are issues as they were; `paused_until_ms` is set where it is the hour's last message.

    `is_summary` for the daily one: then `lasting` are all problems that the recipient knows.
    """

    at_ms: int
    begun: tuple[Issue, ...] = ()
    ended: tuple[Issue, ...] = ()
    lasting: tuple[Issue, ...] = ()
    grown: tuple[Issue, ...] = ()
    paused_until_ms: int | None = None
    is_summary: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report."""
        return not (self.begun or self.ended or self.lasting or self.grown)


def look(state: NotificationState, seen: Observation, rules: Rules) -> tuple[NotificationState, News | None]:
    """Take an observation in. News, if any, is counted as composed: the caller puts its words into `outgoing`."""
    now = seen.at_ms
    state = state.model_copy(
        update={
            "at_ms": now,
            "issues": _tracked(state.issues, seen, rules),
            "composed_ms": _within_hour(state.composed_ms, now),
            "summary_ms": state.summary_ms or now,
        }
    )
    state = _without_message(state, seen, rules)
    if state.outgoing is not None or len(state.composed_ms) >= rules.most_per_hour:
        return state, None
    if _is_summary_due(state, now, rules):
        lasting = tuple(one for one in state.issues.values() if one.reported_ms is not None)
        return _composed(state, News(now, lasting=lasting, is_summary=True), rules)
    news = _news(state.issues, seen, rules)
    if news.is_empty:
        return state.model_copy(update={"waiting_since_ms": 0}), None
    waiting_since_ms = state.waiting_since_ms or now
    if now - waiting_since_ms < rules.group_ms:
        return state.model_copy(update={"waiting_since_ms": waiting_since_ms}), None
    return _composed(state, news, rules)


def resumed(state: NotificationState, now_ms: int) -> NotificationState:
    """A record that was read from its topic: what happened since it was written is not known, so no end is counted from then."""
    here = {
        key: issue.model_copy(update={"seen_ms": now_ms})
        for key, issue in state.issues.items()
        if issue.reported_ms is not None or state.at_ms - issue.seen_ms <= GAP_MS
    }
    return state.model_copy(update={"issues": state.issues | here})


def differs(before: NotificationState, after: NotificationState) -> bool:
    """Whether a record has to be written: when an issue was last seen is not worth one."""

    def kept(state: NotificationState) -> NotificationState:
        issues = {key: issue.model_copy(update={"seen_ms": 0, "number": 0}) for key, issue in state.issues.items()}
        return state.model_copy(update={"at_ms": 0, "issues": issues, "waiting_since_ms": 0, "composed_ms": ()})

    return after.composed_ms[-1:] != before.composed_ms[-1:] or kept(before) != kept(after)


def _tracked(issues: dict[str, Issue], seen: Observation, rules: Rules) -> dict[str, Issue]:
    """The issues after an observation: those that are seen, those of which the recipient knows, and those of the last hour."""
    now = seen.at_ms
    listed = {problem.id: problem for problem in seen.problems}
    found = {key: _seen(issues.get(key), problem, now, rules) for key, problem in listed.items()}
    for key, issue in issues.items():
        if key in listed:
            continue
        if seen.is_unknown(issue):
            found[key] = (
                issue.model_copy(update={"seen_ms": max(issue.seen_ms, now)}) if _is_here(issue, now) else issue
            )
        elif issue.reported_ms is not None or _is_here(issue, now) or _within_hour(issue.breaks, now):
            found[key] = issue
    return found


def _is_here(issue: Issue, now_ms: int) -> bool:
    return issue.reported_ms is not None or now_ms - issue.seen_ms <= GAP_MS


def _seen(issue: Issue | None, problem: Problem, now: int, rules: Rules) -> Issue:
    """An issue that is there now. One that was gone for a while, and is not reported, begins again."""
    since_ms = min(now, problem.since_ms) if problem.since_ms is not None else now
    known = issue or Issue(cause=problem.cause, of=problem.of, since_ms=since_ms, seen_ms=now)
    is_new = known.reported_ms is None and now - known.seen_ms > min(GAP_MS, rules.after_ms)
    return known.model_copy(
        update={
            "connections": problem.connections,
            "number": problem.number,
            "since_ms": since_ms if is_new else min(since_ms, known.since_ms),
            "seen_ms": now,
            "breaks": _within_hour(known.breaks, now),
        }
    )


def _news(issues: dict[str, Issue], seen: Observation, rules: Rules) -> News:
    """All that the recipient may be sent now, and does not know."""
    now, listed = seen.at_ms, {problem.id for problem in seen.problems}
    is_quiet = rules.quiet is not None and rules.quiet.hold(minute_of_day(now, rules.zone))
    but_worst = rules.quiet is not None and rules.quiet.but_worst
    begun, ended, known, grown = [], [], [], []
    for key, issue in issues.items():
        if is_quiet and not (but_worst and issue.cause in WORST):
            continue
        if issue.reported_ms is None:
            if key in listed and now - issue.since_ms >= rules.after_ms:
                begun.append(issue)
        elif key not in listed:
            if now - issue.seen_ms >= (STEADY_MS if issue.is_unstable else rules.after_ms):
                ended.append(issue)
        elif _has_grown(issue):
            grown.append(issue)
        else:
            known.append(issue)
    is_due = any(now - issue.mentioned_ms >= rules.reminder_ms for issue in known)
    lasting = [issue for issue in known if is_due and now - issue.mentioned_ms >= rules.reminder_ms // 2]
    return News(now, tuple(begun), tuple(ended), tuple(lasting), tuple(grown))


def _has_grown(issue: Issue) -> bool:
    before = issue.mentioned_number
    return issue.number >= 2 * before and issue.number >= before + GROWS_BY


def _without_message(state: NotificationState, seen: Observation, rules: Rules) -> NotificationState:
    """The record once what `reports` leaves out counts as reported."""
    if rules.reports == "broke and recovered":
        return state
    news = _news(state.issues, seen, rules)
    left_out = news if rules.reports == "nothing" else News(news.at_ms, ended=news.ended)
    return state.model_copy(update={"issues": state.issues | _reported(left_out)[1]})


def _composed(state: NotificationState, news: News, rules: Rules) -> tuple[NotificationState, News]:
    """The record once this message is composed, and the message with its issues as they are from now on."""
    now = news.at_ms
    composed_ms = (*state.composed_ms, now)
    begun, changed = _reported(news)
    is_last = len(composed_ms) >= rules.most_per_hour
    news = replace(news, begun=begun, paused_until_ms=composed_ms[0] + HOUR_MS if is_last else None)
    update = {"issues": state.issues | changed, "composed_ms": composed_ms, "waiting_since_ms": 0}
    return state.model_copy(update=update | ({"summary_ms": now} if news.is_summary else {})), news


def _reported(news: News) -> tuple[tuple[Issue, ...], dict[str, Issue]]:
    """The issues of some news once they are reported: those that begin, and all of them by their ids."""
    now = news.at_ms
    begun = tuple(_begun(issue, now) for issue in news.begun)
    lasting = tuple(
        issue.model_copy(update={"mentioned_ms": now, "mentioned_number": issue.number})
        for issue in (*news.lasting, *news.grown)
    )
    ended = tuple(issue.model_copy(update={"reported_ms": None, "is_unstable": False}) for issue in news.ended)
    return begun, {f"{issue.cause}/{issue.of}": issue for issue in (*begun, *lasting, *ended)}


def _begun(issue: Issue, now: int) -> Issue:
    breaks = (*issue.breaks, now)
    return issue.model_copy(
        update={
            "reported_ms": now,
            "mentioned_ms": now,
            "mentioned_number": issue.number,
            "breaks": breaks,
            "is_unstable": len(breaks) >= UNSTABLE_AFTER,
        }
    )


def _is_summary_due(state: NotificationState, now: int, rules: Rules) -> bool:
    if rules.summary_minute is None:
        return False
    due_ms = last_occurrence_ms(rules.summary_minute, now, rules.zone)
    return state.summary_ms < due_ms and now - due_ms <= SUMMARY_LATE_MS


def _within_hour(times: Iterable[int], now: int) -> tuple[int, ...]:
    return tuple(at for at in times if now - at < HOUR_MS)
