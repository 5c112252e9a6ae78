"""The process in which the embedded broker lives.

It prints its address, then answers each line of its standard input: `{"topic": ..., "partitions": ...}` creates a topic, the answer
is an empty line or what went wrong. It ends when its standard input closes.
"""

from __future__ import annotations

import json
import signal
import sys

from streams.kafka.embedded.mock_cluster import open_cluster


def main() -> None:
    """Start the mock cluster, tell where it is, live until the parent goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which still writes while it shuts down
    cluster = open_cluster()
    print(cluster.bootstrap, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(cluster.create_topic(asked["topic"], asked["partitions"]), flush=True)


if __name__ == "__main__":
    main()
