"""Replay: send records of a topic through the pipeline once more. `operations/replay/semantics.py` says what that means for each topic.

- `dry_run(settings, selection, ...)` says what would become of it; nothing is written and no vendor is asked.
- `Runs` knows all replays: `begin` a new one, or find the one that was cut off.
- `carry_on(settings, replay, ...)` hands the records over, at a bounded rate, from where it was left.

All of them read topics without joining any group, so the pipeline does not notice; and all may run several times at once.
"""
