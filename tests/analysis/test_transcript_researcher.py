"""A researcher's first hour, from the README's own words: a dataset, an answer, a page, some Python."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from click.testing import Result
from tests.analysis.runs import web, write_run
from tests.worlds import readme
from tests.worlds.browser import visit
from tests.worlds.commands import here, python

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result | Path]:
    """A folder with what the README speaks of, in which its commands were typed; what came of each."""
    folder = tmp_path_factory.mktemp("desk")
    sys.path.insert(0, str(ROOT / "analysis" / "notebooks"))
    try:
        import emulated  # type: ignore[import-not-found, unused-ignore]
    finally:
        sys.path.pop(0)
    said: dict[str, Result | Path] = {"folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emulated, "LAST", emulated.FIRST.replace(day=20))
        patch.chdir(folder)
        emulated.write(folder / "runs")
        lines = [web("https://a.example/", "ok", cc="TH", asn=1, name="One")]
        write_run(folder / "ooni" / "one", lines, isp=None)
        steps = (
            ("gatewatch dataset build", "dataset"),
            ("gatewatch analyse all", "answer"),
            ("gatewatch report", "page"),
        )
        for command, name in readme.paired(readme.RESEARCHERS, steps):
            said[name] = got = here(*shlex.split(command)[1:])
            assert got.exit_code == 0, (command, got.output)
    return said


def test_the_answer(desk: dict[str, Result]) -> None:
    assert "Metfone (AS38623)" in desk["answer"].stdout and "dns.redirect" in desk["answer"].stdout


def test_the_page_as_a_browser_shows_it(desk: dict[str, Path], tmp_path: Path) -> None:
    page = desk["folder"] / "report.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    (tmp_path / "empty.html").write_text("<!DOCTYPE html><title>-</title>", encoding="utf-8")
    shown, nothing = visit(page, tmp_path), visit(tmp_path / "empty.html", tmp_path)
    assert "Metfone" in shown.dom and "Thailand" in shown.dom
    assert (shown.asked - nothing.asked, shown.console) == (frozenset(), ())


def test_the_lines_of_python(desk: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk["folder"])
    snippet = readme.code(readme.RESEARCHERS, "python")
    told = python(f"{snippet}\nprint(len(data.measurements), sorted(data.measurements['country'].unique()))")
    assert (told.returncode, told.stderr) == (0, "")
    # Six ISPs, 23 sites, twenty days; and the one of the other folder.
    rows = int(told.stdout.split()[0])
    assert rows >= 6 * 23 * 20 + 1 and "['KH', 'TH']" in told.stdout


def test_the_lines_of_python_have_types(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    snippet = readme.code(readme.RESEARCHERS, "python")
    asked = tmp_path / "asked.py"
    asked.write_text(f"{snippet}\nreveal_type(data)\nreveal_type(data.measurements)\n")
    # With the project's own cache, where there is one, a matter of a second.
    config = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"))
    out, err, _ = api.run([*config, str(asked)])
    told = [line.partition("note: ")[2] for line in out.splitlines() if "note: Revealed" in line]
    assert [each.split('"')[1].rpartition(".")[2] for each in told] == ["Dataset", "DataFrame"], (out, err)
