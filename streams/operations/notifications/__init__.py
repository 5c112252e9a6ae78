"""Notifications: what a deployment's problems are in words, who hears of them, and how messages are delivered."""
