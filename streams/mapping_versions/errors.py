"""What may go wrong with a mapping that is edited.

::

    MappingRefused
    ├── StaleVersion      somebody else saved meanwhile: look at it, then save again
    ├── WrongMapping      the text does not compile: all its problems are told
    ├── TooCostly         it cannot be compiled, shown or tried within the limits of the process that does it
    └── NoSuchMapping     there is no mapping, connection or version of this name
    EvaluatorBusy         too many mappings are being tried at once
    NoMappings            the topic is missing: `lofty-ghl topics create`
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.mapping_versions.problems import TextProblem


class MappingRefused(Exception):
    """Root of the errors that the editor must fix."""


class StaleVersion(MappingRefused):
    """The edit was made on version `expected`, and `found` stands, by `by` at `at_ms`."""

    def __init__(self, expected: int, found: int, by: str, at_ms: int) -> None:
        self.expected = expected
        self.found = found
        self.by = by
        self.at_ms = at_ms
        super().__init__(
            f"version {expected} was edited, but version {found} stands, saved by {by or 'nobody'}: "
            "look at what changed, then save again"
        )


class WrongMapping(MappingRefused):
    """A text that is refused, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[TextProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(one) for one in self.problems))


class TooCostly(MappingRefused):
    """A mapping that passes the limits of time and memory of a trial."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the mapping {name!r} takes more time or memory than a trial may: make its expressions simpler, or fewer"
        )


class EvaluatorBusy(Exception):
    """Others are being answered."""

    def __init__(self) -> None:
        super().__init__("other mappings are being tried: try again in a moment")


class NoSuchMapping(MappingRefused):
    """Something that is not there, or may not be edited; `words` say what there is."""


class NoMappings(Exception):
    """The topic of mappings is missing. `topic` is its name on the cluster."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"the topic {topic} is missing: `lofty-ghl topics create` makes it")
