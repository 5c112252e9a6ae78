"""`python -m streams.cli`: the console script without its wrapper."""

from streams.cli import main

main()
