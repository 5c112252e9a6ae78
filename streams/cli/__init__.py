"""The command line: `lofty-ghl`. One file for each command or group of commands; each ends with one of these exit codes.

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | it ran, and found something wrong |
| 2 | wrong usage or configuration: the text says what to change |
| 3 | Kafka or a vendor cannot be reached |
"""

from __future__ import annotations


def main() -> None:
    """The console script."""
    from streams.cli.root import main as run

    run()


__all__ = ["main"]
