"""P8: every act that was planned was done and had its effects, and what nobody can read or carry is parked."""

from __future__ import annotations

from collections import Counter

from streams.messages import Parked
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.history import Stray


def every_act_acts(case: Case) -> Finding:
    """Each planned act was done, each that was done had all effects that it names, and each stray is on `parked`.

    A deployment that was to grow has the partitions that it was to have, and workers owned them.

    Proves nothing of: acts that name no effect (kills and freezes: what they did is in the other properties' evidence).
    """
    history = case.history
    tally = Tally(8, "every act acts, and what cannot be read or carried is parked", "effects or strays")
    done = Counter(one.act for one in history.deeds)
    for act, wanted in Counter(history.planned).items():
        tally.examined += 1
        if done[act] < wanted:
            tally.note(act, f"was planned {wanted} times, and done {done[act]} times")
    for deed in history.deeds:
        tally.examined += len(deed.seen)
        if not deed.seen:
            tally.note(deed.act, "names no effect")
        for effect, number in deed.seen.items():
            if number < 1:
                tally.note(deed.act, f"had no effect: {effect}")
    if history.grows_to:
        tally.examined += 1
        worked = sum((one.of or history.settings.kafka.partitions) == history.grows_to for one in history.fences)
        if history.partitions != history.grows_to or not worked:
            says = f"was to grow to {history.grows_to} partitions: it has {history.partitions}, and {worked} fences of workers are there"
            tally.note("the deployment", says)
    for stray in history.strays:
        tally.examined += 1
        if not any(_is_of(one, stray) for one in history.parked):
            tally.note(stray.source or stray.sign, f"is parked nowhere: {stray.what}")
    return tally.finding()


def _is_of(parked: Parked, stray: Stray) -> bool:
    return (
        (bool(stray.source) and parked.source == stray.source)
        or stray.sign in (parked.entity or "")
        or stray.sign.encode() in parked.original_bytes()
    )
