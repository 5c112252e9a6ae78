"""Access to a vendor: OAuth and its refresh, token pairs, the keyring that seals them, and how a request carries them."""
