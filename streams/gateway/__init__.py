"""The gateway: webhooks come in and are produced to Kafka; the vendor is answered once Kafka has acknowledged them."""
