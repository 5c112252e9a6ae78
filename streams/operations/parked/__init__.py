"""Parked work: what is open of it, and sending it on its way again."""
