"""A mapping as a table that people fill in: rows read from its TOML text, and single rows written back into it. Pure."""
