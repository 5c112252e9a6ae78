"""The pipeline: topics, tables, decisions, agents, dispatcher, gateway and command line."""
