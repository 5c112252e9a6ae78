"""What a command asks of Kafka before its work: that it answers, that the topics are right and in force, and rights on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cli.found_partitions import disagreement
from streams.cli.shared import AWAY, refuse

if TYPE_CHECKING:
    from streams.cli.in_force import FoundMove
    from streams.settings import Settings


async def check_kafka(
    settings: Settings, *, checks_topics: bool, writes: bool = True, group: bool = False
) -> FoundMove:
    """Ends the command with 3 when Kafka does not answer, with 2 when the topics are not right."""
    from streams.kafka.clients import demand_group, reach
    from streams.kafka.rights import READS, READS_AND_WRITES, demand_rights
    from streams.messages.topics import TopicNames, differing

    found, move = await reach(settings), None
    if problem := disagreement(settings, found):
        refuse(problem, AWAY)
    names = TopicNames(settings.kafka.topic_prefix)
    wanted = names.specs()
    if checks_topics:
        from streams.cli.in_force import in_force_or_refuse

        move = await in_force_or_refuse(settings, "command", found)
        await demand_rights(settings, wanted, READS_AND_WRITES if writes else READS)
    if group:
        await demand_group(settings, names.group)
    if checks_topics and (problem := differing(found, wanted, settings.kafka.partitions)):
        refuse(problem)
    return move
