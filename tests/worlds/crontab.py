"""A crontab(1) on a PATH of its own, with a table that is nobody's."""

from __future__ import annotations

import stat
from pathlib import Path


class Table:
    """A crontab(1) that keeps its table in a file, and says what Debian's says."""

    SCRIPT = """#!/bin/sh
table="$(dirname "$0")/table"
case "$1" in
-l) [ -e "$table.broken" ] && { echo "crontab: permission denied" >&2; exit 1; }
    [ -s "$table" ] || { echo "no crontab for nobody" >&2; exit 1; }; cat "$table" ;;
-) cat > "$table" ;;
*) exit 2 ;;
esac
"""

    def __init__(self, folder: Path) -> None:
        program = folder / "crontab"
        program.write_text(self.SCRIPT)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.path = folder / "table"

    @property
    def text(self) -> str:
        return self.path.read_text() if self.path.exists() else ""
