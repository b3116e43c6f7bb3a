"""``python -m gatewatch``: the command line."""

from gatewatch.cli.start import main

main()
