"""Three real Kafka nodes that replicate: one of them may be away, and everything goes on.

    with KafkaCluster() as cluster:
        cluster.bootstrap           # the addresses of all three
        cluster.nodes[1].kill()
        cluster.nodes[1].start()

Topics are kept three times, and written when two have them (`min.insync.replicas`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kafka.node import KafkaNode, free_ports, new_cluster_id

NODES = 3


class KafkaCluster:
    """Starts with `with`. Each node is a `KafkaNode`, which can be killed and started again alone."""

    def __init__(self) -> None:
        ports = free_ports(2 * NODES)
        brokers, controllers = ports[:NODES], ports[NODES:]
        cluster_id = new_cluster_id()
        voters = ",".join(f"{number + 1}@127.0.0.1:{port}" for number, port in enumerate(controllers))
        self.nodes: list[KafkaNode] = []
        with ExitStack() as made:
            for number, port in enumerate(brokers):
                text = PROPERTIES.format(number=number + 1, voters=voters, nodes=NODES)

                def extra(_: Path, text: str = text) -> str:
                    return text

                node = KafkaNode(extra=extra, ports=(port, controllers[number]), cluster_id=cluster_id)
                made.callback(node.close)
                self.nodes.append(node)
            made.pop_all()

    @property
    def bootstrap(self) -> str:
        """Of all nodes."""
        return ",".join(node.bootstrap for node in self.nodes)

    def node_of(self, number: int) -> KafkaNode:
        """The node that Kafka calls by this id."""
        return self.nodes[number - 1]

    def __enter__(self) -> Self:
        try:
            with ThreadPoolExecutor(NODES) as together:  # none is ready alone: two make the quorum
                for started in [together.submit(node.start) for node in self.nodes]:
                    started.result()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all, and remove their data."""
        for node in self.nodes:
            node.close()


PROPERTIES = """\
# Of a cluster: later lines win.
node.id={number}
controller.quorum.voters={voters}
default.replication.factor={nodes}
min.insync.replicas=2
offsets.topic.replication.factor={nodes}
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor={nodes}
share.coordinator.state.topic.min.isr=2
"""
