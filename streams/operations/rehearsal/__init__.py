"""A rehearsal: what an import of a connection's leads would do in GHL, decided on real data and without writing anything."""
