from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import BinaryIO

import pytest

import gatewatch_targets.reference as reference
from gatewatch_targets import BUILTIN, DataError, ReadResult, Target, load, read, resolve_names
from gatewatch_targets.differential import differential
from gatewatch_targets.lists import MAX_PROBLEMS, parse_list
from gatewatch_targets.model import RISKS
from gatewatch_targets.rows import MAX_BYTES, MAX_LINE

CITIZENLAB = Path(__file__).resolve().parents[2] / "../shared/data/citizenlab"
FACTS = Path(__file__).resolve().parents[2] / "../shared/data/facts/targets.csv"
COUNTRIES_OF = {**{code.lower(): (code,) for code in ("KH", "MY", "NP", "TH")}, "south": ("TH",)}
OURS = "url,category,risk,countries,control,expectation,source,why\n"


def parsed(text: str | bytes, **options: bool | str) -> ReadResult:
    data = text.encode() if isinstance(text, str) else text
    return parse_list(io.BytesIO(data), "f.csv", **options)  # type: ignore[arg-type]


def problems(text: str | bytes) -> list[str]:
    return [str(problem) for problem in parsed(text).problems]


def urls(result: ReadResult) -> list[str]:
    return [target.url for target in result.targets]


@pytest.mark.parametrize(
    ("name", "count", "controls"),
    [
        ("global", 93, 12),
        ("kh", 55, 13),
        ("my", 62, 11),
        ("np", 59, 10),
        ("th", 63, 10),
        ("tibet", 30, 0),
        ("uyghur", 14, 0),
        ("taiwan", 23, 0),
        ("south", 12, 0),
        ("china", 57, 0),
    ],
)
def test_built_in_lists(name: str, count: int, controls: int) -> None:
    targets = load(name.upper())
    assert load(name) is targets
    assert (len(targets), sum(target.control for target in targets)) == (count, controls)
    for target in targets:
        assert target.control == (target.category == "CTRL"), target.url
        assert target.countries == COUNTRIES_OF.get(name, target.countries) and target.why, target.url
        assert target.risk == "high" or target.category not in ("PORN", "MILX", "HATE"), target.url


def test_unknown_built_in_list() -> None:
    with pytest.raises(KeyError, match="no built-in list 'xx'; there are global, kh, my, np, th"):
        load("xx")


def test_a_built_in_list_leaves_nothing_to_defaults() -> None:
    line = "https://a.example/,NEWS,low,KH,no,unknown,nowhere,because\n"
    result = parsed(OURS + line + "https://b.example/,NEWS,,KH,no,unknown,recall,why\n", builtin=True)
    assert [str(problem) for problem in result.problems] == [
        "f.csv:2: source: 'nowhere' is not a key of sources.csv",
        "f.csv:3: risk: is missing",
    ]


def test_our_format() -> None:
    text = (
        "# mine\nwhy,url,category,risk,countries,control\n"
        "It matters,Example.org,news,high,kh th,yes\n,b.example,PORN\n"
    )
    assert parsed(text) == ReadResult(
        (
            Target("https://example.org/", "NEWS", "high", ("KH", "TH"), "It matters", "", True),
            Target("https://b.example/", "PORN", "high"),
        ),
        (),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("https://a.example/,NEWS,mid", "f.csv:2: risk: 'mid' is not one of low, medium, high"),
        ("https://a.example/,NWES,low", "f.csv:2: category: 'NWES' is not a category code"),
        ("https://a.example/,,low", "f.csv:2: category: is missing"),
        (",NEWS,low", "f.csv:2: url: is missing"),
        ("a.example,NEWS,low,KHM", "f.csv:2: countries: 'KHM' is not a two-letter country code"),
        ("a.example,NEWS,low,KH,true", "f.csv:2: control: 'true' is not one of yes, no"),
        (
            "a.example,NEWS,low,KH,no,open",
            "f.csv:2: expectation: 'open' is not one of reachable, blocked, dead, differential, unknown",
        ),
        ("a.example,NEWS,low,KH,no,unknown,s,why,more", "f.csv:2: line: has 9 fields, the header has 8"),
        ('"a.example,NEWS,low', "f.csv:2: line: unexpected end of data"),
        ("http://192.168.0.1/,NEWS,low", "f.csv:2: host: '192.168.0.1' is not on the public internet"),
        ("https://a.example:99999/,NEWS", "f.csv:2: port: '99999' is not a number from 1 to 65535"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(line: str, message: str) -> None:
    result = parsed(f"{OURS}{line}\nhttps://good.example/,NEWS\n")
    assert [str(problem) for problem in result.problems] == [message]
    assert urls(result) == ["https://good.example/"]


def test_citizen_lab_format() -> None:
    header = "url,category_code,category_description,date_added,source,notes\n"
    lines = "https://a.example/,LGBT,LGBT,2020-01-01,someone,=cmd()\nhttps://b.example/,CTRL,Control,2020-01-01,,\n"
    assert parsed(header + lines, country="MY").targets == (
        Target("https://a.example/", "LGBT", "high", ("MY",), "cmd()", "someone"),
        Target("https://b.example/", "CTRL", "low", ("MY",), "", "", True, "reachable"),
    )
    assert [target.risk for target in parsed(header + lines).targets] == ["medium", "low"]


def test_plain_list() -> None:
    result = parsed("\ufeff# sites\r\nexample.org  # a note\r\n\r\n  http://b.example/#frag\r\n8.8.8.8\r\n")
    assert result == ReadResult(
        (
            Target("https://example.org/"),
            Target("http://b.example/#frag"),
            Target("https://8.8.8.8/"),
        ),
        (),
    )


def test_duplicates_are_dropped_with_a_note() -> None:
    result = parsed("example.org\nHTTPS://EXAMPLE.org/\n")
    assert urls(result) == ["https://example.org/"]
    assert (str(result.problems[0]), result.errors) == ("f.csv:2: url: stands on line 1 already", ())


def test_unknown_columns_are_noted() -> None:
    result = parsed("url,category,colour\na.example,NEWS,red\n")
    assert [str(problem) for problem in result.problems] == ["f.csv:1: header: column 'colour' is not read"]
    assert result.errors == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a.example\x00", r"f.csv:1: line: holds the control character '\x00'"),
        (b"a.example/\x1b]0;owned\x07", r"f.csv:1: line: holds the control character '\x1b'"),
        (b"a.example/\xc2\x9b2J", r"f.csv:1: line: holds the control character '\x9b'"),
        (b"caf\xe9.example", "f.csv:1: line: is not UTF-8"),
        (b"a" * 1_000_000, f"f.csv:1: line: has 1000001 bytes, the limit is {MAX_LINE}"),
        (b'=HYPERLINK("http://a.example")', "f.csv:1: url: '=HYPERLINK(\"http://a.example\")' holds '\"'"),
        (b"@SUM(1)", "f.csv:1: url: 'https://@SUM(1)' holds a user name"),
        ("a.example/\u202egpj.exe x".encode(), r"f.csv:1: url: 'a.example/\u202egpj.exe x' holds ' '"),
    ],
)
def test_hostile_lines(data: bytes, message: str) -> None:
    result = parsed(data + b"\ngood.example\n")
    assert [str(problem) for problem in result.problems] == [message]
    assert urls(result) == ["https://good.example/"]


def test_a_last_line_without_end_that_is_too_long() -> None:
    assert problems(b"x" * (MAX_LINE + 1)) == [
        f"f.csv:1: line: has {MAX_LINE + 1} bytes, the limit is {MAX_LINE}"
    ]


def test_a_file_without_end_is_given_up() -> None:
    class Zeros(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            buffer[:] = bytes(len(buffer))
            self.given += len(buffer)
            return len(buffer)

    zeros = Zeros()
    result = parse_list(io.BufferedReader(zeros), "zero")
    assert [str(problem) for problem in result.problems] == [
        f"zero:1: the file is larger than {MAX_BYTES} bytes; the rest is not read"
    ]
    assert zeros.given < MAX_BYTES + 10 * MAX_LINE


def test_utf_16_is_named() -> None:
    assert problems("example.org\n".encode("utf-16")) == ["f.csv: is UTF-16; save it as UTF-8"]


def test_lines_and_problems_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems("?\n" * (MAX_PROBLEMS + 5))
    assert (len(found), found[-1]) == (MAX_PROBLEMS + 1, "f.csv: 5 further problems are not listed")
    monkeypatch.setattr("gatewatch_targets.rows.MAX_LINES", 2)
    result = parsed("a.example\nb.example\nc.example\n")
    assert [str(problem) for problem in result.problems] == [
        "f.csv:3: the file has over 2 lines; the rest is not read"
    ]
    assert urls(result) == ["https://a.example/", "https://b.example/"]


def test_joining_keeps_order_and_the_highest_tier(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(
        "url,category,risk\nhttps://ilga.org/,LGBT,low\nmine.example,NEWS,low\nbad host,NEWS,low\n"
    )
    result = resolve_names([str(mine), "MY"])
    assert result.targets[0] == next(t for t in load("my") if t.url == "https://ilga.org/")
    assert result.targets[0].risk == "high"
    assert result.targets[1].url == "https://mine.example/"
    assert len(result.targets) == len(load("my")) + 1
    assert [str(problem) for problem in result.problems] == [f"{mine}:4: url: 'bad host' holds ' '"]


def test_lists_join_without_repeats() -> None:
    result = resolve_names(BUILTIN)
    assert len(urls(result)) == len(set(urls(result))) == 393
    assert result.problems == ()


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"example.org\n?\n")))
    result = resolve_names(["-"])
    assert urls(result) == ["https://example.org/"]
    assert [str(problem) for problem in result.problems] == ["stdin:2: host: is missing"]


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        resolve_names(["cambodia"])
    known = "global, kh, my, np, th, apps, tibet, uyghur, taiwan, south, china"
    assert str(caught.value) == f"cambodia: no such file, and no built-in list (these are {known})"
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: Is a directory"


def test_this_machine_is_accepted_on_request() -> None:
    assert urls(parsed("http://127.0.0.1:8080/\n", local=True)) == ["http://127.0.0.1:8080/"]


@pytest.mark.parametrize("name", ["cn", "global", "kh", "my", "np", "th"])
def test_citizen_lab_lists_lose_nothing(name: str) -> None:
    path = CITIZENLAB / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"Citizen Lab's lists are not present: {path}")
    with path.open(encoding="utf-8", newline="") as stream:
        expected = [row["url"] for row in csv.DictReader(stream)]
    result = read(path)
    assert result.problems == ()
    # Byte for byte, since results of others are joined by the address.
    assert urls(result) == expected


@pytest.mark.skipif(not FACTS.exists(), reason="the collection of facts is not beside this tree")
def test_every_target_of_the_facts_is_in_its_list_with_its_tier() -> None:
    with FACTS.open(encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream))
    assert len(facts) == 332
    for fact in facts:
        name = "global" if fact["set"] == "shared" else fact["set"]
        (target,) = (each for each in load(name) if each.url == Target(fact["url"]).url)
        assert (target.category, target.risk) == (fact["category"], fact["risk"]), target.url
        assert target.why != fact["note"], target.url


def test_subjects_that_public_lists_lack_are_never_of_the_lowest_tier() -> None:
    for name in ("tibet", "uyghur", "south"):
        low = [target for target in load(name) if target.risk == "low"]
        # What is low is the state's own site beside them, a university, or what its country's list has so.
        assert all(
            t.category == "CULTR" or t.host.endswith((".cn", ".go.th")) or t.host == "thecitizen.plus"
            for t in low
        ), name
        assert not [t.url for t in load(name) if t.category in ("MILX", "HATE")]


def test_a_list_of_a_subject_tells_the_same_tier_as_the_countrys() -> None:
    of_country = {
        (t.url, code): t.risk for name in ("kh", "my", "np", "th") for t in load(name) for code in t.countries
    }
    for name in ("tibet", "uyghur", "taiwan", "south", "china"):
        for target in load(name):
            for code in target.countries:
                judged = of_country.get((target.url, code), target.risk)
                assert RISKS.index(target.risk) >= RISKS.index(judged), (name, target.url, code)


def test_each_question_has_sides_to_compare() -> None:
    found = differential()
    assert len(found) == 16 and all(len(sides) >= 2 for sides in found.values())
    assert [target.host for target in found["messenger"]["chinese"]] == ["www.wechat.com"]
    assert "taiwanese" in found["resolver"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("https://nowhere.example/,a,western", "url: 'https://nowhere.example/' stands in no built-in list"),
        ("https://x.com/,a,eastern", "side: 'eastern' is not one of chinese"),
        ("https://x.com/,,western", "question: is missing"),
        ("no url,a,western", "url: "),
        ("https://x.com/,a,western\nhttps://weibo.com/,a,western", "question: 'a' has one side only"),
    ],
)
def test_a_damaged_comparison_is_named(monkeypatch: pytest.MonkeyPatch, row: str, message: str) -> None:
    def open_data(file: str) -> BinaryIO:
        return io.BytesIO(f"url,question,side\n{row}\n".encode())

    for name in BUILTIN:
        load(name)  # kept, so that only the table itself is replaced
    monkeypatch.setattr(reference, "open_data", open_data)
    with pytest.raises(DataError) as caught:
        differential.__wrapped__()
    assert str(caught.value).startswith(f"differential.csv:2: {message}")
