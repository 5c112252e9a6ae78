"""Why verify could not finish.

::

    CannotFinish
    ├── NoTopic         a topic is missing
    ├── NoWorker        no worker answers for a connection
    └── Refused         GHL does not answer a question
"""

from __future__ import annotations


class CannotFinish(Exception):
    """Root of the tree: the exit code is 3, and the words say who did not answer."""


class NoTopic(CannotFinish):
    """A topic that verify needs is not there. `topic` is its name on the cluster."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"the topic {topic} is missing: `lofty-ghl topics create` makes it")


class NoWorker(CannotFinish):
    """Nothing was heard from the owner of a connection's location for `seconds`."""

    def __init__(self, connection: str, seconds: float) -> None:
        self.connection = connection
        self.seconds = seconds
        super().__init__(
            f"connection {connection}: no worker answered for {seconds:.0f} s. "
            "Is `lofty-ghl worker` running, of this version, with this Kafka and this configuration?"
        )


class Refused(CannotFinish):
    """GHL, or the worker, cannot answer a question about a connection, in its own words."""

    def __init__(self, connection: str, lead: str, words: str) -> None:
        self.connection = connection
        self.lead = lead
        self.words = words
        super().__init__(f"connection {connection}{f' lead {lead}' if lead else ''}: {words}")
