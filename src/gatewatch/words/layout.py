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
# A space at which no line is broken (U+00A0, as in typesetting); printed as an ordinary one.
_STUCK = "\N{NO-BREAK SPACE}"


def filled(text: str, first: str = "", rest: str | None = None, *, whole: str = "") -> str:
    """Break a paragraph to the terminal's width; ``first`` and ``rest`` go before its lines.

    ``whole`` is a command in it that stays in one line, so that it can be copied.
    """
    rest = " " * len(first) if rest is None else rest
    if not language().spaced:
        return first + text
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    broken = textwrap.fill(
        text.replace(whole, whole.replace(" ", _STUCK)) if whole else text,
        max(width, 20),
        initial_indent=first,
        subsequent_indent=rest,
        # Addresses stay whole, so that they can be copied.
        break_long_words=False,
        break_on_hyphens=False,
    )
    return broken.replace(_STUCK, " ") if whole else broken


def bullet(text: str, whole: str = "") -> str:
    """A line of a list; ``whole`` is not broken."""
    return filled(text, "  - ", whole=whole)
