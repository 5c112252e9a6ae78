"""What an operator asks for: backfill, replay, verify, parked, history, mapping previews, status, doctor."""
