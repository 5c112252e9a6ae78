"""The history of runs: imports, checks, comparisons, rehearsals and acts on many connections, whichever process ran them."""
