"""Kafka as this project uses it: settings to clients, the producer, topics and rights, tables, the embedded broker."""
