"""Lists of block page signs that others collect: read without trust, and never run."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gatewatch_targets import DataError, read_signs
from gatewatch_targets.signatures import MAX_PATTERN

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/fingerprints"
HEADER = (
    "name,scope,other_names,location_found,pattern_type,pattern,confidence_no_fp,expected_countries,"
    "source,exp_url,notes\n"
)


def ooni(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "http.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def planet(tmp_path: Path, *patterns: tuple[str, str], name: str = "signatures.jsonl") -> Path:
    path = tmp_path / name
    lines = [json.dumps({"fingerprint": f, "pattern": p}) for f, p in patterns]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_oonis_rows(tmp_path: Path) -> None:
    file = read_signs(
        ooni(
            tmp_path,
            'a,nat,,body,contains,"<title>Not here</title>\n<p>by order</p>",5,"KH,TH",ooni,https://e.org/measurement/2019052,',
            "b,prod,,header.server,prefix,FilterBox 4,5,,ooni,,",
            "c,isp,,header.location,prefix,http://block.example/,3,MY,ooni,,",
            "d,nat,,dns,full,175.139.142.25,5,MY,ooni,,",
            "e,fp,,body,contains,Thank you for using nginx,5,,ooni,,",
            "f,vbw,,body,contains,Web Page Blocked by somebody,5,,ooni,,",
            "g,inst,,body,contains,blokeret,5,DK,ooni,,",
        )
    )
    a, b, c, d, e = file.signs
    assert (file.kind, file.vague, file.problems) == ("ooni", 2, ())
    assert (a.id, a.where, a.countries, a.scope) == ("ooni:a", "http.body", ("KH", "TH"), "national")
    assert (a.first_seen, a.last_seen, b.last_seen) == ("2019", "2019", "")
    assert a.matches("x<title>Not here</title>\n<p>by order</p>y") and not a.matches("by order")
    assert (b.header, b.where, b.matches("FilterBox 4.1")) == ("server", "http.header", True)
    assert (c.confidence, c.matches("http://block.example/x")) == ("low", True)
    assert not c.matches("http://a.example/?http://block.example/")
    assert (d.where, d.matches("175.139.142.25"), d.matches("175.139.142.2")) == ("dns.a", True, False)
    assert e.false_positive and not any(s.false_positive for s in (a, b, c, d))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("a,world,,body,contains,a long enough text,5,,ooni,,", "scope"),
        ("a,nat,,footer,contains,a long enough text,5,,ooni,,", "location_found"),
        ("a,nat,,body,matches,a long enough text,5,,ooni,,", "pattern_type"),
        ("a,nat,,dns,full,block.example,5,,ooni,,", "pattern"),
        ("a,nat,,body,regexp,(?:a|b)+c long enough,5,,ooni,,", "pattern"),
        (f"a,nat,,body,contains,{'x' * (MAX_PATTERN + 1)},5,,ooni,,", "pattern"),
        ("a,nat,,body", "line"),
    ],
)
def test_a_bad_row_is_reported_and_the_rest_goes_on(tmp_path: Path, row: str, field: str) -> None:
    good = "z,nat,,body,contains,a text that is long enough,5,KH,ooni,,"
    file = read_signs(ooni(tmp_path, row, good))
    assert [sign.id for sign in file.signs] == ["ooni:z"]
    (problem,) = file.problems
    assert (problem.line, problem.field) == (2, field)


def test_planets_lines(tmp_path: Path) -> None:
    file = read_signs(
        planet(
            tmp_path,
            ("b_nat_np_1_satellite", "<title>Block By NTA</title>"),
            ("c_isp_id_x", r"Location: https://internetbaik\.telkomsel\.com/block?"),
            ("a_prod_x", r"URL .* Sp.*er Gate of the firm"),
            ("d_corp_x", "<title>Information Security Notice | McMaster University</title>"),
            ("e_unk_x", r"\d+ pages were refused to you"),
        )
    )
    nta, redirect, gaps, corporate = file.signs
    assert (nta.countries, nta.scope, nta.confidence) == (("NP",), "national", "medium")
    assert (redirect.where, redirect.countries) == ("http.location", ("ID",))
    assert redirect.matches("https://internetbaik.telkomsel.com/block?id=1")
    assert gaps.matches("URL x was caught: Spider and other Gate of the firm")
    assert not gaps.matches("er Gate of the firm, Sp, URL ")
    # What is a bar to a regular expression is a bar of the page's title.
    assert corporate.scope == "institution"
    assert corporate.matches("<title>Information Security Notice | McMaster University</title>")
    (problem,) = file.problems
    assert problem.field == "pattern" and "not run" in problem.text


def test_a_file_of_false_positives_acquits(tmp_path: Path) -> None:
    path = planet(
        tmp_path,
        ("x_fpru_nginx", "Thank you for using nginx"),
        ("x_busy", "BUSY"),
        name="censoredplanet_false_positives.jsonl",
    )
    file = read_signs(path)
    assert [(s.id, s.false_positive) for s in file.signs] == [("cp:x_fpru_nginx", True)]
    assert file.vague == 1


def test_a_hostile_pattern_costs_no_more_than_its_length(tmp_path: Path) -> None:
    pattern = "a long beginning.*" + "a.*" * 600 + "b"
    (sign,) = read_signs(planet(tmp_path, ("f_gen_x", pattern))).signs
    page = "a long beginning" + "a" * 65_536
    began = time.perf_counter()
    assert not sign.matches(page)
    # A backtracking engine needs longer than the age of the universe for this one.
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"url,category\nexample.org,NEWS\n", "neither OONI's columns nor"),
        (b"", "header"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError):
        read_signs(path)
    with pytest.raises(DataError):
        read_signs(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("ooni_dns.csv", 200),
        ("ooni_http.csv", 1500),
        ("censoredplanet_signatures.jsonl", 600),
        ("censoredplanet_false_positives.jsonl", 450),
    ],
)
def test_the_real_lists_are_read(name: str, signs: int) -> None:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"the collection is not present: {path}")
    file = read_signs(path)
    assert len(file.signs) >= signs and len(file.problems) < 20
    vague = ("<HTML></HTML>", "<title>Traccar</title>")
    assert not any(sign.pattern in vague for sign in file.signs if sign.match == "contains")
