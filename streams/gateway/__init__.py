"""The front door: webhooks come in, changes go out to Kafka, and only then is the vendor answered."""
