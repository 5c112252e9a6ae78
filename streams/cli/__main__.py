"""`python -m streams.cli`: the console script without its wrapper."""

from streams.cli import main

if __name__ == "__main__":  # processes that a command starts import this file under another name
    main()
