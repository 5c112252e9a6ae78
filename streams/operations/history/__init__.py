"""What happened to one contact, when and why: the answer that `lofty-ghl explain` prints."""
