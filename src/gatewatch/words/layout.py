"""Lines for a terminal: broken at spaces where a script has them, indented, never in boxes.

How wide a line of Khmer or Nepali is depends on the terminal's font: signs are stacked and joined, and two
terminals disagree.  So nothing is put in columns behind such text, nothing framed, and scripts without spaces
are not broken here at all: a terminal wraps them itself.
"""

from __future__ import annotations

import shutil
import textwrap

from gatewatch.words.speech import language

# Longer lines are hard to read, however wide the terminal is (WCAG 2.1, 1.4.8: at most 80 characters).
_WIDEST = 80


def filled(text: str, first: str = "", rest: str | None = None) -> str:
    """Break a paragraph to the terminal's width; ``first`` and ``rest`` go before its lines."""
    rest = " " * len(first) if rest is None else rest
    if not language().spaced:
        return first + text
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return textwrap.fill(
        text,
        max(width, 20),
        initial_indent=first,
        subsequent_indent=rest,
        # Commands and addresses stay whole, so that they can be copied.
        break_long_words=False,
        break_on_hyphens=False,
    )


def bullet(text: str) -> str:
    """A line of a list."""
    return filled(text, "  - ")
