"""The history checker: from the record of a run to what was violated. Pure; the properties are numbered in `../README.md`."""

from tests.chaos.history.finding import Finding, Violation
from tests.chaos.history.history import (
    DELETED_BY_HAND,
    ENDED,
    FORGOT,
    FROZEN,
    KILLED,
    PAUSED,
    REMOVED,
    Deed,
    Edit,
    Event,
    Fenced,
    History,
    Listed,
    Received,
    Silence,
    Stray,
)
from tests.chaos.history.in_time import MOST_SECONDS, unwritten
from tests.chaos.history.saved import load, save
from tests.chaos.history.verdict import Verdict, judge

__all__ = [
    "DELETED_BY_HAND",
    "ENDED",
    "FORGOT",
    "FROZEN",
    "KILLED",
    "MOST_SECONDS",
    "PAUSED",
    "REMOVED",
    "Deed",
    "Edit",
    "Event",
    "Fenced",
    "Finding",
    "History",
    "Listed",
    "Received",
    "Silence",
    "Stray",
    "Verdict",
    "Violation",
    "judge",
    "load",
    "save",
    "unwritten",
]
