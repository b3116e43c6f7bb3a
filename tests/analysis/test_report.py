import json
from pathlib import Path
from typing import Any

from tests.analysis.runs import PREFIXES, trace, web, write_run

from gatewatch_analysis.loading import load
from gatewatch_analysis.report import analyse, to_json, to_text
from gatewatch_analysis.report.text import table
from gatewatch_analysis.tables import markdown

DOCS = Path(__file__).resolve().parents[2] / "docs/analysis.md"


def country(tmp_path: Path) -> list[Path]:
    """Two ISPs: one resets TLS, the other does nothing."""
    path = [("192.168.1.1", 0.5), ("36.37.130.14", 3.5), ("63.218.10.5", 12.25), ("104.16.1.1", 20.0)]
    smart: dict[str, Any] = {"asn": 45498, "name": "Smart"}
    return [
        write_run(
            tmp_path / "metfone",
            [web("https://a.com/", "tls.reset"), web("https://b.com/", "ok"), trace("104.16.1.1", path)],
            prefixes=PREFIXES,
        ),
        write_run(
            tmp_path / "smart",
            [web("https://a.com/", "ok", **smart), web("https://b.com/", "ok", **smart)],
            isp="Smart",
        ),
    ]


def test_json_holds_a_row_per_isp_and_target(tmp_path: Path) -> None:
    answer = json.loads(json.dumps(to_json(analyse(load(country(tmp_path)))), allow_nan=False))
    assert [(v["isp"], v["input"], v["label"]) for v in answer["verdicts"]] == [
        ("Metfone", "https://a.com/", "blocked(tls.reset)"),
        ("Metfone", "https://b.com/", "ok"),
        ("Smart", "https://a.com/", "ok"),
        ("Smart", "https://b.com/", "ok"),
    ]
    assert answer["verdicts"][1]["layer"] is None
    assert answer["verdicts"][0]["dead"] is False
    assert {f["statement"] for f in answer["findings"]} >= {"isp.main_method", "country.gateway_undetermined"}
    [link] = answer["border_by_isp"]
    assert (link["domestic_asn"], link["foreign_name"], link["foreign_rtt_ms"]) == (
        38623,
        "PCCW Global",
        12.25,
    )
    assert (answer["measurements"], answer["runs"], answer["problems"]) == (5, ["metfone", "smart"], [])


def test_text_tables(tmp_path: Path) -> None:
    sections = dict(part.split("\n", 1) for part in to_text(analyse(load(country(tmp_path)))).split("\n\n"))
    assert list(sections) == [
        "Findings",
        "Blocking by ISP (targets)",
        "Blocking by layer and method",
        "Blocking by category",
        "Targets that are not simply ok, by ISP",
        "Last domestic and first foreign hop by ISP",
    ]
    assert sections["Blocking by layer and method"].splitlines() == [
        "  ISP                layer  method  targets  share",
        "  Metfone (AS38623)  tls    reset         1   100%",
    ]
    assert sections["Blocking by category"].splitlines() == [
        "  category  Metfone (AS38623)  Smart (AS45498)",
        "  NEWS      1/2                0/2",
    ]
    assert sections["Targets that are not simply ok, by ISP"].splitlines() == [
        "  target          Metfone (AS38623)   Smart (AS45498)",
        "  https://a.com/  blocked(tls.reset)  ok",
    ]
    border = sections["Last domestic and first foreign hop by ISP"].splitlines()[1].split("  ")
    assert [cell.strip() for cell in border if cell.strip()] == [
        "Metfone (AS38623)",
        "36.37.130.14 AS38623 Viettel (Cambodia)",
        "3.5",
        "0",
        "63.218.10.5 AS3491 PCCW Global",
        "12.2",
        "1",
        "1",
    ]


def test_a_prefix_table_given_stands_in_place_of_the_runs_own(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(
        "prefix,asn,country,name\n36.37.128.0/17,1,KH,Mine\n63.218.0.0/16,2,TH,Theirs\nbad,1,KH,x\n"
    )
    analysis = analyse(load(country(tmp_path)), [other])
    [link] = analysis.border_by_isp.to_dict("records")
    assert (link["domestic_name"], link["foreign_country"]) == ("Mine", "TH")
    [problem] = analysis.problems.to_dict("records")
    assert (problem["file"], problem["line"], problem["kept"]) == (str(other), 4, False)


def test_countries_side_by_side_are_named(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / cc, [web("https://a.com/", "tls.reset", cc=cc, asn=1, name="One")], isp=None)
        for cc in ("KH", "TH")
    ]
    assert "  target          KH One (AS1)        TH One (AS1)\n" in to_text(analyse(load(runs)))


def test_nothing_from_the_wire_steers_the_terminal(tmp_path: Path) -> None:
    nasty = "\x1b[2J\x07\u202eevil"
    runs = [
        write_run(tmp_path / "r", [web(f"https://a.com/{nasty}", "tls.reset", category=nasty)], isp=nasty)
    ]
    text = to_text(analyse(load(runs)))
    assert "\\x1b[2J" in text
    assert all(c.isprintable() or c == "\n" for c in text)


def test_an_empty_dataset_reports_nothing(tmp_path: Path) -> None:
    analysis = analyse(load([write_run(tmp_path / "r", [])]))
    assert to_text(analysis) == "\n"
    assert (to_json(analysis)["verdicts"], to_json(analysis)["findings"]) == ([], [])


def test_wide_letters_keep_the_columns() -> None:
    lines = table(("name", "n"), [("中国", 1), ("abcd", 22), (None, None)]).splitlines()
    assert lines == ["  name   n", "  中国   1", "  abcd  22", "  -      -"]


def test_every_column_is_in_the_docs() -> None:
    assert markdown() in DOCS.read_text(encoding="utf-8")
