"""The errors of editing a mapping.

::

    MappingRefused
    ├── StaleVersion      somebody else saved meanwhile: look at that change, then save again
    ├── WrongMapping      the text does not compile: the error has all its problems
    ├── TooCostly         compiling, showing or trying it passes the limits of time or memory
    └── NoSuchMapping     there is no mapping, connection or version of this name
    EvaluatorBusy         too many mappings are being tried at once
    NoMappings            the topic is missing: `lofty-ghl topics create`
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.mapping_versions.problems import TextProblem


class MappingRefused(Exception):
    """Root of the errors that the person who edits must fix."""


class StaleVersion(MappingRefused):
    """The edit was made on version `expected`, but the newest is `found`, saved by `by` at `at_ms`."""

    def __init__(self, expected: int, found: int, by: str, at_ms: int) -> None:
        self.expected = expected
        self.found = found
        self.by = by
        self.at_ms = at_ms
        super().__init__(
            f"you edited version {expected}, but meanwhile {by or 'somebody'} saved version {found}: "
            "look at what changed, then save again"
        )


class WrongMapping(MappingRefused):
    """The text does not compile. The error has all its problems."""

    def __init__(self, problems: Iterable[TextProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(one) for one in self.problems))


class TooCostly(MappingRefused):
    """The mapping takes more time or memory than a trial may."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the mapping {name!r} takes more time or memory than a trial may: make its expressions simpler, or fewer"
        )


class EvaluatorBusy(Exception):
    """Too many other mappings are being tried."""

    def __init__(self) -> None:
        super().__init__("other mappings are being tried: try again in a moment")


class NoSuchMapping(MappingRefused):
    """A mapping, connection or version that does not exist or may not be edited; the message says which there are."""


class NoMappings(Exception):
    """The topic of mappings is missing. `topic` is its name on the cluster."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"the topic {topic} is missing: `lofty-ghl topics create` makes it")
