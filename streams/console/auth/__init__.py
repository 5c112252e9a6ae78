"""Who may use the console: passwords, OpenID Connect, sessions, the guard of the routes, and the audit log."""
