import json
from pathlib import Path

from click.testing import CliRunner
from tests.analysis.runs import web, write_run
from tests.analysis.vantages import CUT, at, reached

from gatewatch.cli.analyse.blocking import blocking
from gatewatch_analysis.tables import Days


def run_of_days(folder: Path) -> Path:
    """Three ISPs that begin on one day with one site, and leave another alone."""
    return write_run(
        folder,
        [
            web(f"https://{site}.com/", label, asn=asn, name=f"Net {asn}", start=f"2024-05-{day:02} 12:00:00")
            for asn in (1, 2, 3)
            for day in range(1, 31)
            for site, label in (("a", "tls.reset" if day > 15 else "ok"), ("b", "ok"))
        ],
        isp=None,
    )


def test_text_says_what_began_when_and_with_whom(tmp_path: Path) -> None:
    got = CliRunner().invoke(blocking, [str(run_of_days(tmp_path / "r"))])
    assert (got.exit_code, got.stderr) == (0, "")
    assert "a.com" in got.stdout and "b.com" not in got.stdout
    [change] = [line for line in got.stdout.splitlines() if "Net 1, Net 2, Net 3" in line]
    assert change.split()[:3] == ["KH", "a.com", "2024-05-16"]


def test_json_has_every_table(tmp_path: Path) -> None:
    got = CliRunner().invoke(blocking, [str(run_of_days(tmp_path / "r")), "--json"])
    told = json.loads(got.stdout)
    assert len(told["by_day"]) == 180
    assert list(told["by_day"][0]) == list(Days.columns())
    assert [row["at"] for row in told["changes"]] == ["2024-05-16T00:00:00Z"] * 3
    assert [(row["domain"], row["days"], row["blocked"]) for row in told["by_domain"]] == [
        ("a.com", 30, 15),
        ("b.com", 30, 0),
    ] * 3


def test_no_measurements_is_said(tmp_path: Path) -> None:
    got = CliRunner().invoke(blocking, [str(write_run(tmp_path / "r", []))])
    assert (got.exit_code, got.stdout) == (1, "")


def test_other_vantages_stand_in_unless_told_not_to(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "r",
        [at(CUT["blocked(tls.reset)"], 1, "KH"), at(reached(), 2, "SG"), at(reached(), 3, "TH")],
        isp=None,
    )

    def told(*options: str) -> list[tuple[str, int]]:
        got = CliRunner().invoke(blocking, [str(run), "--json", *options])
        return [(row["label"], row["stood_in"]) for row in json.loads(got.stdout)["by_day"]]

    assert told() == [("blocked(tls.reset)", 1), ("ok", 0), ("ok", 0)]
    assert told("--helpers-only") == [("inconclusive(no_control)", 0), ("ok", 0), ("ok", 0)]
