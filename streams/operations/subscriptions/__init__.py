"""Lofty's webhook subscriptions: which are wanted, and making them so."""
