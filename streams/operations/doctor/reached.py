"""Whether Kafka answers, and lets us do our work: most checks need that."""

from __future__ import annotations

from aiokafka.errors import KafkaError

from streams.kafka.clients import demand_group, reach
from streams.kafka.refusals import KafkaMisconfigured, KafkaRefused
from streams.kafka.rights import READS, demand_rights
from streams.messages.topics import TopicNames
from streams.operations.doctor.check_result import CheckResult
from streams.settings import Settings


async def reached_kafka(settings: Settings) -> CheckResult:
    """Ask it. An error is a result."""
    subject = settings.kafka.bootstrap_servers
    try:
        found = await reach(settings)
        names = TopicNames(settings.kafka.topic_prefix)
        await demand_rights(settings, names.specs(), READS)
        await demand_group(settings, names.group)
    except KafkaMisconfigured as error:
        return CheckResult("Kafka", error.setting, "wrong", str(error), "fix the setting")
    except KafkaRefused as error:
        return CheckResult("Kafka", subject, "away", str(error), "fix the setting or the right that it names")
    except (KafkaError, OSError) as error:
        says = " ".join(str(one) for one in error.args) or type(error).__name__
        mend = "start Kafka (docker compose up -d), or set kafka.bootstrap_servers or LOFTY_GHL_KAFKA"
        return CheckResult("Kafka", subject, "away", says, mend)
    return CheckResult("Kafka", subject, "ok", f"answers, with {len(found)} topics")
