"""A real Apache Kafka for the tests, without Docker."""
