"""P5: no limit is exceeded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush

from connectors.sandbox.shared.ledger import Entry
from connectors.sandbox.shared.window import FixedWindow
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.told import told


def within_limits(case: Case) -> Finding:
    """No 429 that no fault ordered; no window, counted again from the ledger, holds more than its limit; and no budget has
    more in flight than is configured.

    A request whose client was killed or frozen counts as in flight only until then: nobody waits for it after that.

    Proves nothing of: a vendor whose windows are not counted as the sandbox counts them; the daily limit.
    """
    tally = Tally(5, "no limit is exceeded", "requests that count for a limit")
    history = case.history
    most = dict.fromkeys(history.connection_at, history.settings.worker.in_flight_per_location)
    _judge_vendor(case, tally, history.ghl, {name: name for name in most}, most)
    most = dict.fromkeys(history.lofty_budget_of.values(), history.settings.worker.in_flight_per_lofty_budget)
    _judge_vendor(case, tally, history.lofty, history.lofty_budget_of, most)
    return tally.finding()


def _judge_vendor(
    case: Case, tally: Tally, entries: Iterable[Entry], budgets: Mapping[str, str], most: Mapping[str, int]
) -> None:
    """`budgets` maps the ledger's budgets to the pipeline's, for which `most` says how many may be in flight."""
    limits = case.history.limits
    windows = {name: FixedWindow(*limits[name]) for name in limits}
    in_flight: dict[str, list[float]] = defaultdict(list)
    for entry in sorted(entries, key=lambda one: (one.at, one.seq)):
        budget = budgets.get(entry.budget)
        if budget is None:
            continue  # a stranger's request: it counts for nobody
        tally.examined += 1
        if entry.status == 429 and entry.fault is None:
            tally.note(entry.budget, "a 429 that nobody ordered", told(entry))
            continue  # what is refused is not counted
        counting = [name for name in dict.fromkeys((entry.budget, budget)) if name in windows]
        if not counting:
            tally.note(budget, "nobody knows its limit", told(entry))
        for name in counting:  # its account's limit, and that of a budget which accounts share
            if not windows[name].take(entry.at):
                what = f"one more than {limits[name][0]} requests in {limits[name][1]:g} s"
                tally.note(name, what, told(entry))
        going = in_flight[budget]
        while going and going[0] <= entry.at:
            heappop(going)
        heappush(going, case.interruptions.watched_until(entry))
        if len(going) > most[budget]:
            tally.note(budget, f"{len(going)} requests in flight, {most[budget]} are configured", told(entry))
