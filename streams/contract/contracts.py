"""Every topic of the product, with what is promised about it."""

from __future__ import annotations

from streams.contract.changelogs import CHANGELOGS
from streams.contract.form import TopicContract
from streams.contract.internal import INTERNAL
from streams.contract.public import PUBLIC

CONTRACTS: tuple[TopicContract, ...] = (*PUBLIC, *INTERNAL, *CHANGELOGS)

BY_TOPIC = {contract.topic: contract for contract in CONTRACTS}
