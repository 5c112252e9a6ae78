"""Puts a worker together: clients, dispatchers, agents."""
