"""A researcher's first hour, from the README's own words: a dataset, an answer, a page, some Python."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from tests.analysis.runs import web, write_run
from tests.worlds.commands import here, python

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What the README tells researchers: everything from that word to the next heading or bold word.
PART = README.partition("**Researchers**")[2].partition("\nThe very same command line")[0]
COMMANDS = re.findall(r"^ {4}gatewatch (.*)$", PART, re.MULTILINE)
[SNIPPET] = re.findall(r"```python\n(.*?)```", PART, re.DOTALL)


def test_there_is_something_to_try() -> None:
    assert [shlex.split(command)[0] for command in COMMANDS] == ["dataset", "analyse", "report"]


def test_as_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(ROOT / "analysis" / "notebooks"))
    try:
        import emulated  # type: ignore[import-not-found, unused-ignore]
    finally:
        sys.path.pop(0)
    monkeypatch.setattr(emulated, "LAST", emulated.FIRST.replace(day=20))
    monkeypatch.chdir(tmp_path)
    emulated.write(tmp_path / "runs")
    write_run(
        tmp_path / "ooni" / "one", [web("https://a.example/", "ok", cc="TH", asn=1, name="One")], isp=None
    )
    for command in COMMANDS:
        got = here(*shlex.split(command, comments=True))
        assert got.exit_code == 0, (command, got.output)
        if command.startswith("analyse"):
            assert "Metfone (AS38623)" in got.stdout and "dns.redirect" in got.stdout
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "Metfone" in page
    told = python(f"{SNIPPET}\nprint(len(data.measurements), sorted(data.measurements['country'].unique()))")
    assert (told.returncode, told.stderr) == (0, "")
    # Six ISPs, 23 sites, twenty days; and the one of the other folder.
    rows = int(told.stdout.split()[0])
    assert rows >= 6 * 23 * 20 + 1 and "['KH', 'TH']" in told.stdout
