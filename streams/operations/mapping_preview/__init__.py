"""Shows and tries a mapping before it is saved, in a process of its own with limits."""
