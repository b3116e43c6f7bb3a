"""Registered predictions: each is evaluated, placebos hold or fail, and a gateway's wait for their day."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
from click.testing import CliRunner
from tests.analysis.runs import PREFIXES, measurement, trace, web, write_run

from gatewatch.cli.analyse.events import events as command
from gatewatch.records import Measurement
from gatewatch.whereabouts import PrefixTable
from gatewatch_analysis.events.predicted import MEASURES, PLACEBOS, UNMEASURED, evaluate
from gatewatch_analysis.loading import Dataset, load
from gatewatch_analysis.prefixes import read_prefixes
from gatewatch_targets.predictions import predictions

#: Five ISPs of Cambodia with a last router each, and the state's network, which all may come to use.
ISPS = {asn: f"103.{n}.0.1" for n, asn in enumerate((38623, 45498, 9902, 23673, 24492), 20)}
STATE = "103.12.0.1"
TABLE = (
    PREFIXES
    + "103.12.0.0/16,17726,KH,Telecom Cambodia\n"
    + "".join(f"103.{n}.0.0/16,{asn},KH,AS{asn}\n" for n, asn in enumerate(ISPS, 20))
)


def loaded(tmp_path: Path, lines: list[Measurement]) -> tuple[Dataset, PrefixTable]:
    folder = write_run(tmp_path / "run", lines, isp=None, prefixes=TABLE)
    dataset = load([folder])
    found = read_prefixes(dataset.prefixes[0], lambda *_: None)
    return dataset, PrefixTable(found)


def states(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame["prediction"] + " " + frame["country"], frame["state"], strict=True))


def test_each_prediction_has_what_evaluates_it() -> None:
    assert {*MEASURES, *PLACEBOS, *UNMEASURED} == set(predictions())
    assert all(predictions()[name].is_placebo or name == "placebo-rfa-2025" for name in PLACEBOS)


def daily(
    first: date, days: int, label: str, asns: list[int], host: str, cc: str = "KH"
) -> list[Measurement]:
    starts = [f"{first + timedelta(days=n)} 10:00:00" for n in range(days)]
    return [
        web(f"https://{host}/", label, asn=asn, name=f"AS{asn}", cc=cc, start=start)
        for asn in asns
        for start in starts
    ]


def test_nothing_measured_tells_nothing(tmp_path: Path) -> None:
    found = states(evaluate(*loaded(tmp_path, [web("https://a.example/", "ok")])))
    assert set(found.values()) == {"to come", "cannot tell"}
    assert found["nig-border KH"] == "to come" and found["placebo-th-2015 TH"] == "cannot tell"


def test_a_placebo_holds_where_nothing_happens_and_fails_where_a_detector_fires(tmp_path: Path) -> None:
    start = date(2020, 9, 1)
    quiet = daily(start, 60, "ok", [1, 2, 3], "web.telegram.org", "TH")
    assert states(evaluate(*loaded(tmp_path / "a", quiet)))["placebo-th-2020 TH"] == "holds"
    loud = daily(start, 48, "ok", [1, 2, 3], "web.telegram.org", "TH")
    loud += daily(start + timedelta(days=48), 12, "tcp.timeout", [1, 2, 3], "web.telegram.org", "TH")
    assert states(evaluate(*loaded(tmp_path / "b", loud)))["placebo-th-2020 TH"] == "fails"
    # Put on the list in those days, it may have been blocked for years.
    new = daily(start + timedelta(days=50), 10, "tcp.timeout", [1, 2, 3], "web.telegram.org", "TH")
    assert states(evaluate(*loaded(tmp_path / "n", new)))["placebo-th-2020 TH"] == "cannot tell"
    start = date(2022, 1, 1)
    steady = daily(start, 80, "ok", [1, 2, 3], "a.example") + daily(start, 80, "ok", [1, 2, 3], "b.example")
    assert states(evaluate(*loaded(tmp_path / "c", steady)))["placebo-kh-2022 KH"] == "holds"
    cut = daily(start, 46, "ok", [1, 2, 3], "a.example")
    cut += daily(start + timedelta(days=46), 34, "dns.nxdomain", [1, 2, 3], "a.example")
    cut += daily(start, 80, "ok", [1, 2, 3], "b.example")
    assert states(evaluate(*loaded(tmp_path / "d", cut)))["placebo-kh-2022 KH"] == "fails"


def paths(day: str, through: str | None) -> list[Measurement]:
    """A trace from each ISP abroad, by its own last router or by one for all."""
    abroad = [("63.218.10.5", 12.0), ("104.16.1.1", 20.0)]
    return [
        trace(
            "104.16.1.1",
            [("192.168.1.1", 0.5), (own, 3.0), (through or own, 4.0), *abroad],
            asn=asn,
            name=f"AS{asn}",
            start=f"{day} 10:00:00",
        )
        for asn, own in ISPS.items()
    ]


def test_a_gateway_in_operation(tmp_path: Path) -> None:
    before, after = paths("2026-05-01", None), paths("2026-07-01", STATE)
    here, table = loaded(tmp_path / "a", [*before, *after])
    day = date(2026, 6, 1)
    row = evaluate(here, table, operation=day).set_index("prediction").loc["nig-border"]
    assert row["state"] == "holds" and row["isps"] == 5 and "AS17726" in row["measured"]
    same, table = loaded(tmp_path / "b", [*before, *paths("2026-07-01", None)])
    assert states(evaluate(same, table, operation=day))["nig-border KH"] == "fails"
    waiting = evaluate(here, table).set_index("prediction").loc["nig-border"]
    assert waiting["state"] == "to come" and waiting["measured"].startswith("baseline: HHI")
    # The names say nothing where nothing is blocked on either side.
    assert states(evaluate(here, table, operation=day))["nig-mechanism KH"] == "cannot tell"


def test_the_command(tmp_path: Path) -> None:
    lines = [*paths("2026-05-01", None), *daily(date(2022, 1, 1), 60, "ok", [1, 2], "a.example")]
    folder = write_run(tmp_path / "run", lines, isp=None, prefixes=TABLE)
    got = CliRunner().invoke(command, [str(folder)])
    assert got.exit_code == 0 and "nig-border" in got.stdout and "placebo-kh-2022" in got.stdout
    got = CliRunner().invoke(command, [str(folder), "--json", "--by", "all"])
    answer = json.loads(got.stdout)
    assert {row["prediction"] for row in answer["evaluations"]} == set(predictions())
    assert answer["interruptions"] and datetime.fromisoformat(answer["interruptions"][0]["date"])


def test_the_lab_is_never_taken_for_the_real_thing(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [measurement("trace", "x")], lab={"country": "x"})
    assert evaluate(load([folder]), PrefixTable(())).set_index("prediction").loc["nig-border", "isps"] == 0
