"""P13: nobody asks for a connection that is paused or removed, and of a removed one nothing is left."""

from __future__ import annotations

from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.told import told, worker_of


def left_alone(case: Case) -> Finding:
    """No worker asks a vendor about a connection in its silences, and a removed one has no subscription, key or token.

    Excused, and counted: what a worker sent as it woke from a freeze.

    Proves nothing of: what is asked in the seconds in which workers take an edit over, which are no part of a silence; whoever
    sends no name, such as the one that takes subscriptions away.
    """
    tally = Tally(13, "who is paused or removed is left alone", "requests of named workers")
    silences = case.history.silences
    for one in silences:
        for what in one.left:
            tally.note(one.connection, f"it was removed, and this is left: {what}")
    for entry in (*case.history.ghl, *case.history.lofty):
        if not worker_of(entry):
            continue
        tally.examined += 1
        for one in silences:
            if entry.budget in (one.location, one.team) and one.at <= entry.at < (one.until or entry.at + 1):
                is_excused = case.interruptions.is_sent_on_waking(entry)
                what = f"it is {one.why}, and {worker_of(entry)} asks {entry.at - one.at:.1f} s later"
                tally.note(one.connection, what, told(entry), is_excused=is_excused)
    return tally.finding()
