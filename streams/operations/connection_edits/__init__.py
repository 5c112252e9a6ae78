"""Connections that people add, change and remove while everything runs."""
