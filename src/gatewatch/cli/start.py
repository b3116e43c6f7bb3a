"""Where a process of ours begins: what it writes is private, and on the network it has no privilege."""

from __future__ import annotations


def main() -> None:
    """Run the command line in a process of its own."""
    from gatewatch.cli import main as door
    from gatewatch.net import privilege

    privilege.own_process()
    # Also as `python -m gatewatch`, which is how the lab and timers start it: not what people type.
    door(prog_name="gatewatch")


def to_the_network(*, captures: bool = False) -> None:
    """Give up all privilege before a stranger's first byte; ``captures``: sockets that need one are opened.

    Not in a process that only calls our commands.
    """
    from gatewatch.net import opener, privilege

    if captures:
        opener.start()
    else:
        privilege.lay_down()
