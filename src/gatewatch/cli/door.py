"""A group of commands whose modules are imported only when a command is called."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Mapping
from typing import Any

import click

# A complaint is read; what it quotes may be as long as a stranger likes.
_LONGEST = 4000


def _harmless(text: str) -> str:
    """Give a complaint that is one line and controls nothing."""
    from gatewatch_targets.text import printable

    return printable(text[:_LONGEST])


class Door(click.Group):
    """A group that knows its commands from a table: name to (module:attribute, line in the overview)."""

    def __init__(self, *args: Any, commands_table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._table = commands_table

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; what the disk does to it is told in words, not with a traceback.

        What is complained of may quote anybody, so that it controls nothing.
        """
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, click.exceptions.NoArgsIsHelpError):
            # No complaint, for which all that knows the disk would be loaded; or our own overview, in lines.
            raise
        except click.ClickException as error:
            # The message is shown by the exception itself, and is Final to click's types.
            vars(error)["message"] = _harmless(error.message)
            raise
        except Exception as error:
            why = _of_the_disk(error)
            if not why:
                raise
            raise click.ClickException(_harmless(why)) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names, in the table's order."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and give the command."""
        if cmd_name not in self._table:
            return None
        module, _, name = self._table[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview from the table's lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self._table.items()])


# What a disk, or who owns it, says to whoever writes.
_UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOTDIR})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def _of_the_disk(error: Exception) -> str:
    """Say what the disk did; empty for what was something else."""
    from gatewatch.store.files import StoreFull
    from gatewatch.words import say

    why = str(error)
    if isinstance(error, RuntimeError) and "home directory" in why:
        # pathlib's words, where there is neither HOME nor an entry for the user.
        return say("This user has no home folder. Set HOME to one that can be written to.")
    if isinstance(error, OSError):
        # What is not about a file (a socket, a pipe) is none of the disk's.
        if error.errno in _UNWRITABLE:
            return f"{error.filename}: {error.strerror}" if error.filename is not None else ""
        if error.errno not in _FULL:
            return ""
        why = f"{error.filename}: {error.strerror}" if error.filename is not None else str(error.strerror)
    elif not isinstance(error, StoreFull):
        return ""
    return say("There is no room on the disk: {why}", why=why)
