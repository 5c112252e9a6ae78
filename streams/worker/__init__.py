"""The process that moves data: it reads topics, decides with `core`, and calls the vendors."""
