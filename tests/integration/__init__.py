"""The pipeline's sentences, on the embedded broker and on real Kafka."""
