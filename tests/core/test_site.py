"""The documentation site builds without a warning, and whoever opens it fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: What a browser loads by itself; a link that is only followed on a click is none.
_LOADED = re.compile(r"<(?:script|img|iframe|link|source)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*\"")


def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    for name in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(name, reason="the documentation site needs the extra [docs]")
    options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(tmp_path / ".tree")]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    pages = sorted(tmp_path.rglob("*.html"))
    assert tmp_path / "generated" / "probes" / "locate.html" in pages
    assert tmp_path / "generated" / "analysis" / "blocking.html" in pages
    loaded = {page.name: _LOADED.findall(page.read_text(encoding="utf-8")) for page in pages}
    assert {name: found for name, found in loaded.items() if found} == {}
    styles = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.css"))
    assert not re.search(r"@import|url\(\s*['\"]?(?:https?:)?//", styles)
