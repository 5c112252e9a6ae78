"""GoHighLevel: its client, its wire models and its webhooks. Its sandbox is `connectors.sandbox.ghl`."""
