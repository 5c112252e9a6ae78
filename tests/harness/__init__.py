"""What runs the tests: who runs which file, what ends a stuck test and names it, which tests `make test` leaves out.

Three plugins, named in `pyproject.toml`: `scheduling`, `stuck` and `parts`.
"""
