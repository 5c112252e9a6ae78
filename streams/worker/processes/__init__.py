"""`lofty-ghl worker --processes N`: several worker processes under one supervisor, which imports neither Faust nor Kafka's clients."""
