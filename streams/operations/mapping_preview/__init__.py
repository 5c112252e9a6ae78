"""Shows what a mapping would do, and tries it, before it is saved. Edited mappings run in a separate process with limits."""
