"""`python -m sscell` is the command line."""

from sscell.cli import main

main()
