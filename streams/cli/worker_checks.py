"""What a worker demands before it starts: a folder with room of its own, topics that are right, and rights on them.

Each problem ends the command in one line.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from streams.cli.in_force import in_force_or_refuse
from streams.cli.shared import WRONG, refuse

if TYPE_CHECKING:
    from streams.cli.slots import Slot
    from streams.settings import Settings

PROBE_BYTES = 256 * 1024
"""The free space that the store needs: with less, RocksDB does not start."""


def in_its_slot(settings: Settings) -> tuple[Settings, Slot]:
    """The settings with the folder of the store that this process has to itself, and what holds it."""
    from streams.cli.slots import Slot, take_slot

    if settings.worker.store == "memory":
        return settings, Slot(settings.worker.data_dir)
    try:
        slot = take_slot(settings.worker.data_dir)
    except OSError as error:
        _refuse_folder(settings.worker.data_dir, error)
    return settings.model_copy(update={"worker": settings.worker.model_copy(update={"data_dir": slot.folder})}), slot


def require_room(settings: Settings) -> None:
    """Try the folder of the store first, so that a full disk is reported in one line."""
    import tempfile

    folder = Path(settings.worker.data_dir)
    if settings.worker.store == "memory":
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        _refuse_folder(str(folder), error)


def _refuse_folder(folder: str, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        refuse(
            f"worker.data_dir {folder}: the disk is full. Make room, then start again; nothing is lost, "
            "what is not kept here is in Kafka",
            WRONG,
        )
    refuse(
        f"worker.data_dir {folder} cannot be used: {error.strerror}. Set another folder, or give this user the right to write"
    )


async def demand_kafka(settings: Settings) -> None:
    """The rights, the topics and the group that a worker needs."""
    from streams.kafka.clients import demand_group
    from streams.kafka.rights import READS_AND_WRITES, demand_rights
    from streams.messages.topics import TopicNames

    names = TopicNames(settings.kafka.topic_prefix)
    await in_force_or_refuse(settings, "worker")  # first: it would create the topics of a move that was not made
    await demand_rights(settings, names.specs(), READS_AND_WRITES)
    await _check_topics(settings)
    await demand_group(settings, names.group)


async def _check_topics(settings: Settings) -> None:
    from streams.kafka.admin import StateMissing, create_first

    try:
        states = await create_first(settings)
    except StateMissing as error:
        refuse(str(error))
    problems = [f"  {state.name}: {state.problem}" for state in states if state.problem]
    if problems:
        refuse("the topics have problems:\n" + "\n".join(problems))
