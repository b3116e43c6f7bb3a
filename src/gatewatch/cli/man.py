"""The manual page gatewatch(1), written from the commands' own help.

``python -m gatewatch.cli.man > docs/gatewatch.1`` writes it anew; installing puts it where man(1) looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from gatewatch import __version__
from gatewatch.cli.pages import contexts


def roff(text: str) -> str:
    """Write text for man(7): nothing in it steers the typesetter, and a dash can be copied as one."""
    plain = " ".join(text.replace("\b", "").split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain[:1] in (".", "'") else plain


def _paragraphs(text: str) -> Iterator[str]:
    for number, part in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield roff(part)


def _options(context: click.Context) -> Iterator[str]:
    """List the options as the command's own help does."""
    for param in context.command.get_params(context):
        record = param.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f"\\fB{roff(record[0])}\\fR"
            yield roff(record[1]) or "\\&"


def page() -> str:
    """Give the whole page, every command in it."""
    front, *commands = contexts()
    lines = [
        f'.TH GATEWATCH 1 "" "gatewatch {__version__}" "User Commands"',
        ".SH NAME",
        "gatewatch \\- watch national internet gateways",
        ".SH SYNOPSIS",
        "\\fBgatewatch\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        *_paragraphs(front.command.help or ""),
        ".SH COMMANDS",
    ]
    for context in commands:
        pieces = context.command.collect_usage_pieces(context)
        usage = " ".join([context.command_path, *pieces])
        lines += [f".SS {roff(usage)}", *_paragraphs(context.command.help or ""), *_options(context)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    click.echo(page(), nl=False)
