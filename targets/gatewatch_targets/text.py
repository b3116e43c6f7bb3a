"""Text from files, made safe to show: nothing that a list holds may steer a terminal.

Lists come from strangers.  An escape sequence, a line break or a right-to-left override in a note could
repaint a volunteer's screen or make one address look like another (CVE-2021-42574, "Trojan Source").
"""

from __future__ import annotations

import re

# ISO 3166-1 alpha-2.
COUNTRY = re.compile(r"[A-Z]{2}")
# Format characters that Khmer, Thai and Nepali text needs: zero-width space, non-joiner and joiner.
_KEPT = frozenset("\u200b\u200c\u200d")
# An error message is read by people; a longer value is cut.
_QUOTE_LIMIT = 60
# A spreadsheet takes a cell that starts so for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = "=+-@\t\r"


def printable(text: str) -> str:
    r"""Give ``text`` with what controls a terminal, breaks lines or turns direction as ``\x..`` escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _KEPT else c.encode("unicode_escape").decode("ascii") for c in text
    )


def quote(value: str) -> str:
    """Quote a value for an error message: escaped as Python does, and cut to 60 characters."""
    return repr(value if len(value) <= _QUOTE_LIMIT else value[: _QUOTE_LIMIT - 3] + "...")
