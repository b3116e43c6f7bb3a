"""``python -m gatewatch``: the command line."""

from gatewatch.cli import main

main()
