"""Mappings that people edit while everything runs. Edits are checked, saved on a topic, and used by every worker from then on."""
