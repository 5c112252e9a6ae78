"""Which partitions this worker owns, how far it has applied them, and what ends it when they do not move."""
