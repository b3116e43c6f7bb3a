"""The page on commands, written from their own help.

``python -m gatewatch.cli.pages > docs/commands.md`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from gatewatch.cli import main

# As wide as the project's code, so that the page does not depend on the terminal of whoever writes it.
_WIDTH = 110
_INTRODUCTION = """\
# Commands

stdout is data, stderr is for people, and `--json` makes every command print one JSON object. This page is
written from what `--help` prints, by `python -m gatewatch.cli.pages`.
"""


def contexts(
    command: click.Command = main, name: str = "gatewatch", parent: click.Context | None = None
) -> Iterator[click.Context]:
    """Give every command under one, itself first, each in the context in which it would be called."""
    settings = {"terminal_width": _WIDTH, **command.context_settings}
    context = click.Context(command, parent, name, **settings)
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None, below
            yield from contexts(found, below, context)


def commands_markdown() -> str:
    """Give the whole page."""
    sections = [
        f"## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"
        for context in contexts()
    ]
    return "\n".join([_INTRODUCTION, *sections])


if __name__ == "__main__":
    click.echo(commands_markdown(), nl=False)
