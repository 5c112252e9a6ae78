"""When a recipient is sent what: debounce, grouping, quiet hours, reminders, the bound of an hour, and random histories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.notifications.news import HOUR_MS, STEADY_MS, News, Rules, differs, look, resumed
from streams.core.notifications.outbox import delivered, failed, queued
from streams.core.notifications.problem import Cause, Problem, observe
from streams.core.notifications.quiet_hours import QuietHours, minute_of_day
from streams.messages.notification import Issue, NotificationState

SECOND, MINUTE, DAY = 1000, 60_000, 24 * HOUR_MS
NOON = 1_800_014_400_000  # 2027-01-15 12:00 UTC
RULES = Rules(after_ms=2 * MINUTE, group_ms=30 * SECOND, reminder_ms=DAY, most_per_hour=6)


def access(name: str) -> Problem:
    """Access to Lofty was revoked for a connection."""
    return Problem("access", f"read {name}", (name,))


ACME = access("acme")


@dataclass
class Recipient:
    """Looks every five seconds; what is composed is delivered at once."""

    rules: Rules = RULES
    now: int = NOON
    state: NotificationState = field(default_factory=lambda: NotificationState(recipient="ops"))
    news: list[News] = field(default_factory=list)

    def see(self, seconds: float, *problems: Problem, **more: Any) -> list[News]:
        """See the same for so long; the news of that time."""
        before, until = len(self.news), self.now + int(seconds * SECOND)
        while self.now < until:
            self.now += 5 * SECOND
            self.state, news = look(self.state, observe(self.now, problems, **more), self.rules)
            if news is not None:
                self.news.append(news)
                self.state = delivered(queued(self.state, "news", "id", "subject", "text"), self.now)
        return self.news[before:]


def names(issues: Iterable[Issue]) -> list[str]:
    """Of what the issues are."""
    return sorted(issue.of for issue in issues)


def test_a_problem_that_lasts_is_reported_once_and_its_end_once() -> None:
    on = Recipient()
    assert on.see(120, ACME) == []
    [begun] = on.see(3600, ACME)
    assert names(begun.begun) == ["read acme"]
    assert begun.at_ms - begun.begun[0].since_ms <= 3 * MINUTE
    assert on.see(115) == []
    [ended] = on.see(3600)
    assert (names(ended.ended), ended.begun) == (["read acme"], ())


def test_what_is_over_soon_is_not_reported() -> None:
    on = Recipient()
    assert on.see(100, ACME) + on.see(3600) == []
    assert on.state.issues == {}


def test_a_short_gap_does_not_hide_a_problem() -> None:
    """A budget that is refused pauses for a minute, and is not paused while one request tries again."""
    on = Recipient()
    for _ in range(3):
        on.see(60, ACME)
        on.see(5)
    assert [names(one.begun) for one in on.news] == [["read acme"]]
    assert on.see(60, ACME) + on.see(20) + on.see(60, ACME) == []


def test_twenty_connections_that_break_at_once_are_one_message() -> None:
    on, many = Recipient(), [access(f"agency-{number}") for number in range(20)]
    on.see(10, *many[:7])
    [news] = on.see(600, *many)
    assert len(news.begun) == 20
    [ended] = on.see(600)
    assert len(ended.ended) == 20


def test_nothing_is_concluded_while_nobody_can_see() -> None:
    """Kafka is away, no worker lives, or the connection moves between workers: its problem is neither over nor new."""
    on = Recipient()
    on.see(300, ACME)
    kafka = Problem("kafka")
    [away] = on.see(600, kafka, is_blind=True)
    assert [issue.cause for issue in away.begun] == ["kafka"]
    dead = Problem("no worker")
    assert [issue.cause for one in on.see(600, dead, has_workers=False) for issue in (*one.begun, *one.ended)] == [
        "no worker",
        "kafka",
    ]
    assert [issue.cause for one in on.see(600, unseen=frozenset({"acme"})) for issue in one.ended] == ["no worker"]
    assert [names(one.ended) for one in on.see(600)] == [["read acme"]]


def test_what_follows_from_lost_access_is_no_news_of_its_own() -> None:
    on, stuck = Recipient(), Problem("stuck", "change acme", ("acme",))
    other = Problem("stuck", "change harbor", ("harbor",))
    [news] = on.see(600, ACME, stuck, other)
    assert names(news.begun) == ["change harbor", "read acme"]
    [after] = on.see(600, stuck, other)
    assert (names(after.ended), names(after.begun)) == (["read acme"], ["change acme"])
    assert on.see(600, ACME, stuck, other)[0].ended == ()


def test_a_reminder_comes_after_a_day_and_holds_all_that_lasts() -> None:
    on = Recipient()
    on.see(300, ACME)
    on.see(3600, ACME, access("harbor"))
    [reminder] = on.see(24 * 3600, ACME, access("harbor"))
    assert (names(reminder.lasting), reminder.begun) == (["read acme", "read harbor"], ())
    assert reminder.at_ms - on.news[0].at_ms >= DAY


def test_parked_records_are_reported_again_once_they_have_doubled() -> None:
    on = Recipient()
    assert len(on.see(600, Problem("parked", "acme", ("acme",), 3))) == 1
    assert on.see(600, Problem("parked", "acme", ("acme",), 12)) == []
    [grown] = on.see(600, Problem("parked", "acme", ("acme",), 13))
    assert names(grown.grown) == ["acme"]
    assert on.see(600, Problem("parked", "acme", ("acme",), 20)) == []


def test_a_problem_that_comes_and_goes_is_called_unstable_and_left_alone() -> None:
    """Its beginning is reported three times within the hour. Its end only once it was well for an hour."""
    on = Recipient(rules=Rules(after_ms=MINUTE, group_ms=0, reminder_ms=DAY, most_per_hour=60))
    for _ in range(8):
        on.see(120, ACME)
        on.see(120)
    assert [bool(one.begun) for one in on.news] == [True, False, True, False, True]
    assert on.news[-1].begun[0].is_unstable
    [ended] = on.see(2 * STEADY_MS / 1000)
    assert ended.ended[0].is_unstable
    assert ended.at_ms - on.news[-2].at_ms >= STEADY_MS


def test_an_hour_has_no_more_messages_than_its_bound_and_the_last_says_so() -> None:
    on = Recipient()
    for number in range(12):
        on.see(200, *[access(f"agency-{one}") for one in range(number + 1)])
    assert len(on.news) == RULES.most_per_hour
    assert [one.paused_until_ms is not None for one in on.news] == [False] * 5 + [True]
    [rest] = on.see(3600, *[access(f"agency-{one}") for one in range(12)])
    assert len(rest.begun) == 6
    assert rest.at_ms >= (on.news[5].paused_until_ms or 0)


def test_quiet_hours_delay_all_but_the_worst() -> None:
    """By the clock of the recipient: at noon UTC it is 7 in the morning in Chicago, minus one hour."""
    quiet = QuietHours(22 * 60, 8 * 60)
    rules = Rules(2 * MINUTE, 0, DAY, 6, zone=ZoneInfo("America/Chicago"), quiet=quiet)
    on = Recipient(rules=rules)
    [worst] = on.see(3600, ACME, Problem("no gateway"))
    assert [issue.cause for issue in worst.begun] == ["no gateway"]
    [morning] = on.see(3700, ACME, Problem("no gateway"))
    assert (names(morning.begun), morning.at_ms - NOON) == (["read acme"], 2 * HOUR_MS)
    silent = Recipient(rules=Rules(2 * MINUTE, 0, DAY, 6, zone=rules.zone, quiet=QuietHours(22 * 60, 8 * 60, False)))
    assert silent.see(7000, Problem("no gateway")) == []
    assert silent.see(3600) == []


def test_the_daily_summary_comes_once_a_day_and_holds_what_lasts() -> None:
    on = Recipient(rules=Rules(2 * MINUTE, 0, 10 * DAY, 6, summary_minute=13 * 60))
    on.see(1800, ACME)
    assert [one.is_summary for one in on.see(3600, ACME)] == [True]
    assert names(on.news[-1].lasting) == ["read acme"]
    on.see(24 * 3600, ACME)
    assert [one.at_ms - NOON for one in on.news if one.is_summary] == [HOUR_MS, HOUR_MS + DAY]


def test_nothing_is_composed_while_a_message_waits() -> None:
    """What changes meanwhile is in the next one, as it is then."""
    on = Recipient()
    on.see(120, ACME)
    for seconds in (10, 30, 50):
        on.state, news = look(on.state, observe(on.now + seconds * SECOND, [ACME]), RULES)
    assert news is not None
    on.state = failed(queued(on.state, "news", "id", "subject", "text"), on.now, "connection refused")
    assert on.state.outgoing is not None
    waiting = on.state
    assert on.see(3600, access("harbor")) == []
    on.state = delivered(on.state, on.now)
    [after] = on.see(60, access("harbor"))
    assert (names(after.begun), names(after.ended)) == (["read harbor"], ["read acme"])
    assert differs(waiting, on.state)


def test_a_restart_neither_repeats_nor_ends_anything_by_itself() -> None:
    on = Recipient()
    on.see(300, ACME)
    on.now += DAY // 2
    on.state = resumed(on.state, on.now)
    assert on.see(60) + on.see(3600, ACME) == []
    assert not differs(on.state, resumed(on.state, on.now + 1))


@pytest.mark.parametrize(
    ("cause", "of", "connections", "is_heard"),
    [
        ("access", "read acme", ("acme",), True),
        ("access", "read harbor", ("harbor",), False),
        ("quota", "read shared", ("acme", "harbor"), True),
        ("no worker", "", (), True),
        ("worker stopped", "w1", (), False),
        ("notifications", "owner", (), False),
    ],
)
def test_a_recipient_of_one_connection_hears_of_it_and_of_the_worst(
    cause: Cause, of: str, connections: tuple[str, ...], is_heard: bool
) -> None:
    problem = Problem(cause, of, connections)
    heard = observe(NOON, [problem]).heard_by("owner", frozenset({"acme"})).problems
    assert bool(heard) is is_heard
    everything = observe(NOON, [problem]).heard_by("owner", frozenset()).problems
    assert bool(everything) is (cause != "notifications")


KEYS = ("acme", "harbor", "delta")
STEP_MS = 15 * SECOND
STEPS = st.lists(
    st.tuples(
        st.integers(1, 150),  # looks
        st.sets(st.sampled_from(KEYS)),
        st.sampled_from(("seen", "seen", "seen", "blind", "restart", "frozen mail")),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, most=st.integers(1, 4), quiet=st.sampled_from((None, QuietHours(13 * 60, 15 * 60))))
def test_random_histories(steps: list[tuple[int, set[str], str]], most: int, quiet: QuietHours | None) -> None:
    """Never silent about what lasts, never an end without its beginning, never more than the bound in any hour."""
    rules = Rules(2 * MINUTE, 30 * SECOND, DAY, most, quiet=quiet)
    state, now, free_since = NotificationState(recipient="ops"), NOON, NOON
    believed: set[str] = set()
    composed: list[int] = []
    lasts: dict[str, int] = {}
    for looks, broken, how in [*steps, (1000, set(), "seen")]:
        if how == "restart":
            state = resumed(NotificationState.from_bytes(state.to_bytes()), now)
        is_blind = how == "blind"
        problems = [] if is_blind else [access(name) for name in sorted(broken)]
        for _ in range(looks):
            now += STEP_MS
            state, news = look(state, observe(now, problems, is_blind=is_blind), rules)
            lasts = {name: lasts.get(name, now) for name in KEYS if name in broken and not is_blind}
            if news is not None:
                composed.append(now)
                state = queued(state, "news", "id", "subject", "text")
                begun = {issue.connections[0] for issue in news.begun}
                ended = {issue.connections[0] for issue in news.ended}
                assert not begun & believed
                assert ended <= believed
                assert begun <= set(lasts)
                assert not ended & set(lasts)
                believed = (believed | begun) - ended
            if how != "frozen mail" and state.outgoing is not None:
                state = delivered(state, now)
            if how == "frozen mail" or (quiet is not None and quiet.hold(minute_of_day(now))):
                free_since = now
            for name, since_ms in lasts.items():
                if now - max(since_ms, free_since) > rules.after_ms + rules.group_ms + HOUR_MS + 2 * STEP_MS:
                    assert name in believed
    assert believed == set()
    for number, at in enumerate(composed):
        assert sum(other < at + HOUR_MS for other in composed[number:]) <= most


def test_who_wants_no_ends_is_sent_none_and_the_next_beginning() -> None:
    on = Recipient(replace(RULES, reports="broke"))
    first = on.see(200, ACME)
    assert (names(first[0].begun), len(first)) == (["read acme"], 1)
    assert on.see(HOUR_MS // 1000) == []
    assert on.state.issues == {} or all(one.reported_ms is None for one in on.state.issues.values())
    [again] = on.see(200, ACME)
    assert names(again.begun) == ["read acme"]


def test_who_wants_the_summary_alone_is_sent_that_with_what_lasts() -> None:
    on = Recipient(replace(RULES, reports="nothing", summary_minute=13 * 60))
    assert on.see(30 * 60, ACME) == []
    [summary] = on.see(40 * 60, ACME)
    assert (summary.is_summary, names(summary.lasting)) == (True, ["read acme"])
    assert on.see(22 * 3600) == []
    [next_day] = on.see(2 * 3600)
    assert (next_day.is_summary, next_day.lasting) == (True, ())
