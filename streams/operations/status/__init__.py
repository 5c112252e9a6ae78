"""The deployment's state, read from what workers and gateways publish about themselves."""
