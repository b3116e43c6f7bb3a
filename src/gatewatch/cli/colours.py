"""Two colours that everybody can tell apart, and that never say anything alone.

Blue and vermilion of the palette of Okabe and Ito (2008), as near as 256 colours come to them: people who
cannot tell red from green can tell these.  A word or a sign always says the same.  None on what is no
terminal, nor where NO_COLOR is set (no-color.org).
"""

from __future__ import annotations

import os

import click

#: In rich's words, for what is drawn with it.
GOOD, BAD = "color(33)", "color(208)"
_NUMBERS = {GOOD: 33, BAD: 208}


def _styled(text: str, colour: str) -> str:
    # click itself takes colours out of what goes to a file or a pipe.
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=_NUMBERS[colour], bold=colour == BAD)


def good(text: str) -> str:
    """What is well."""
    return _styled(text, GOOD)


def bad(text: str) -> str:
    """What is not."""
    return _styled(text, BAD)
