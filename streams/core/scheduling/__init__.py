"""Which request goes next: budgets, windows, lanes, pauses, daily limits. Pure."""
