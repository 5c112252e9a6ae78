"""Mappings that change while everything runs: edits on a topic, looked at before they are saved, taken over by every worker."""
