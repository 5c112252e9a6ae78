"""OAuth access to the vendors: grants, authorization by a person, stored tokens, key rotation."""
