"""Decisions: pure functions and state machines. No I/O, no clock, no randomness: `now` and `jitter` are arguments."""
