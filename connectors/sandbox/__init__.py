"""What both sandboxes share: the ledger of what was asked, and misbehaviour on request."""
