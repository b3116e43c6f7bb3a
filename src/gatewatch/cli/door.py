"""A group of commands whose modules are imported only when a command is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class Door(click.Group):
    """A group that knows its commands from a table: name to (module:attribute, line in the overview)."""

    def __init__(self, *args: Any, commands_table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._table = commands_table

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
