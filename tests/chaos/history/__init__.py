"""The history checker: from the record of a run to what was violated. Pure; the properties are numbered in `../README.md`."""

from tests.chaos.history.finding import Finding, Violation
from tests.chaos.history.history import DELETED_BY_HAND, ENDED, FROZEN, KILLED, Event, Fenced, History, Received
from tests.chaos.history.saved import load, save
from tests.chaos.history.verdict import Verdict, judge

__all__ = [
    "DELETED_BY_HAND",
    "ENDED",
    "FROZEN",
    "KILLED",
    "Event",
    "Fenced",
    "Finding",
    "History",
    "Received",
    "Verdict",
    "Violation",
    "judge",
    "load",
    "save",
]
