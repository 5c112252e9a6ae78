"""Conflicts: two leads have one e-mail or phone, or a lead has that of somebody in GHL. They are listed, and a person decides."""
