"""Why an operation that needs a worker could not finish.

::

    CannotFinish
    ├── NoTopic         a topic is missing
    ├── NoWorker        no worker answers, or works on what was ordered
    └── Refused         GHL, or the worker, refuses to answer a question
"""

from __future__ import annotations


class CannotFinish(Exception):
    """Root of the tree: the exit code is 3, and the text says who did not answer."""


class NoTopic(CannotFinish):
    """A topic is missing. `topic` is its name on the cluster."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"the topic {topic} is missing: create it with `lofty-ghl topics create`")


class NoWorker(CannotFinish):
    """No worker answers, or works on what was ordered. The text says how long we waited, and what to do."""


class Refused(CannotFinish):
    """GHL, or the worker, cannot answer a question about a connection; `words` are its own."""

    def __init__(self, connection: str, lead: str, words: str) -> None:
        self.connection = connection
        self.lead = lead
        self.words = words
        super().__init__(f"connection {connection}{f' lead {lead}' if lead else ''}: {words}")
