"""From what the services tell to what pages show. Pure: one file a page."""
