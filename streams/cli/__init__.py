"""The command line: `lofty-ghl`. One file a command; each ends with an honest exit code.

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | it ran, and what it found is not right |
| 2 | wrong usage or configuration: the text says what to change |
| 3 | Kafka or a vendor cannot be reached |
"""

from __future__ import annotations

import sys


def main() -> None:
    """The console script.

    `explain` answers within two seconds, of which importing all other commands (with Faust and the sandboxes) would take one.
    """
    if sys.argv[1:2] == ["explain"]:
        from streams.cli.alone import explain_alone

        explain_alone()
    else:
        from streams.cli.root import main as all_commands

        all_commands()


__all__ = ["main"]
