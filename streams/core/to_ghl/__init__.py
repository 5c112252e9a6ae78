"""From a lead's snapshot to the writes in GHL, and from their receipts to links. Pure."""
