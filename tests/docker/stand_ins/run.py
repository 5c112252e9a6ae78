"""Starts Kafka as Apache's image does: KAFKA_* variables become properties, the storage is formatted once."""

import os
import subprocess

DEFAULTS = {
    "process.roles": "broker,controller",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}
PROPERTIES = "/opt/kafka/config/server.properties"

properties = DEFAULTS | {
    name.removeprefix("KAFKA_").lower().replace("_", "."): value
    for name, value in os.environ.items()
    if name.startswith("KAFKA_") and name not in NOT_PROPERTIES
}
properties.setdefault("log.dirs", "/tmp/kraft-combined-logs")
with open(PROPERTIES, "w", encoding="utf-8") as file:
    file.writelines(f"{name}={value}\n" for name, value in properties.items())
heap = os.environ.get("KAFKA_HEAP_OPTS", "-Xmx512m").split()
java = ["java", *heap, "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", "/opt/kafka/libs/*"]
cluster = os.environ.get("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw")
format_it = [*java, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster, "-c", PROPERTIES]
subprocess.run(format_it, check=True)
os.execvp("java", [*java, "kafka.Kafka", PROPERTIES])
