"""The rights that deploy/kafka-acls.md lists: what tests give, and take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AclOperation, ResourceType

PAGE = Path(__file__).parents[2] / "deploy" / "kafka-acls.md"
USERS = {"lofty-ghl": "app", "lofty-ghl-admin": "admin"}
"""The page's principals, and who they are on the tests' broker."""


@dataclass(frozen=True, slots=True)
class Right:
    """One right of the page."""

    user: str
    kind: ResourceType
    name: str
    is_prefix: bool
    operation: AclOperation
    word: str


OPERATIONS = {
    "Create": AclOperation.CREATE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Delete": AclOperation.DELETE,
}


def part_of_the_page(to_accept: bool) -> str:
    """What is always needed; or what `topics create --accept-lost` needs in addition."""
    always, in_addition = PAGE.read_text().split("\n## For `topics create --accept-lost`\n")
    return in_addition if to_accept else always


def rights_of_the_page(*, to_accept: bool = False) -> list[Right]:
    """A part's table, one right a row."""
    lines = [line for line in part_of_the_page(to_accept).splitlines() if line.startswith("| `User:")]
    found = []
    for line in lines:
        who, kind, name, pattern, operations, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        user = USERS[who.strip("`").removeprefix("User:")]
        assert pattern in ("prefixed", "literal")
        found += [
            Right(user, ResourceType[kind.upper()], name.strip("`"), pattern == "prefixed", OPERATIONS[one], one)
            for one in operations.split(", ")
        ]
    return found
