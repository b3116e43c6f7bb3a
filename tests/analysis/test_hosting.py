"""Where services are hosted: whose addresses count, what a content network leaves open, and what moved."""

import json
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from tests.analysis.frames import DAY
from tests.analysis.runs import PREFIXES, write_run
from tests.core.verdict_build import connect, handshake, names, web

from gatewatch.cli.analyse.hosting import hosting as command
from gatewatch_analysis.hosting import addresses, hosting, moves, placements
from gatewatch_analysis.hosting.services import is_domestic, is_government
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import Hosting, Moves, Observations, Placements, ServiceAddresses, Table

INSIDE, ABROAD, FRONT, LIE = "36.37.130.1", "63.218.1.1", "104.16.1.1", "63.218.9.9"
TABLE = PrefixTable(
    [
        Prefix(ip_network("36.37.128.0/17"), 38623, "KH", "Metfone"),
        Prefix(ip_network("63.218.0.0/16"), 3491, "US", "PCCW"),
        Prefix(ip_network("104.16.0.0/13"), 13335, "US", "Cloudflare"),
    ]
)


def seen(*steps: dict[str, Any]) -> pd.DataFrame:
    about = {"country": "KH", "lab": False, "control": False, "start": DAY, "hostname": "a.com.kh"}
    rows = [
        [{**about, "measurement": n, "kind": "answer", **step}.get(name) for name in Observations.columns()]
        for n, step in enumerate(steps)
    ]
    return Observations.frame(rows)


def places(*steps: dict[str, Any]) -> dict[str, str]:
    placed = placements(addresses(seen(*steps), TABLE))
    return dict(zip(placed["domain"], placed["place"], strict=True))


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([INSIDE], "inside"),
        ([ABROAD], "abroad"),
        ([INSIDE, ABROAD], "both"),
        ([FRONT], "content network"),
        ([FRONT, INSIDE], "content network"),  # a front, and what stands behind it
        (["9.9.9.9"], "not known"),
        (["9.9.9.9", INSIDE], "inside"),
    ],
)
def test_a_service_is_where_its_addresses_are(given: Sequence[str], place: str) -> None:
    assert places(*[{"address": a} for a in given]) == {"a.com.kh": place}


def test_a_certificate_outweighs_what_names_say() -> None:
    lied, shown = {"address": LIE}, {"kind": "handshake", "address": INSIDE, "verified": True}
    assert places(lied) == {"a.com.kh": "abroad"}
    assert places(lied, shown) == {"a.com.kh": "inside"}
    # A handshake that failed, or was not verified, proves nothing.
    assert places(lied, {**shown, "failure": "ssl_unknown_authority"}) == {"a.com.kh": "abroad"}
    assert places(lied, {**shown, "verified": False}) == {"a.com.kh": "both"}


def test_what_does_not_count() -> None:
    assert places({"address": ABROAD, "control": True}) == {}
    assert places({"address": "127.0.0.1"}) == {}
    assert places({"address": INSIDE, "hostname": "example.org"}) == {}
    assert places({"address": INSIDE, "country": "TH"}) == {}
    assert places({"address": INSIDE, "kind": "connect"}) == {}


def test_a_list_of_services_takes_the_place_of_the_domain() -> None:
    frame = seen({"address": INSIDE, "hostname": "Bank.example.org"}, {"address": INSIDE})
    found = addresses(frame, TABLE, services={"bank.example.org"})
    assert found["domain"].tolist() == ["bank.example.org"]


def test_the_shortest_time_to_connect_is_that_of_the_address() -> None:
    times = [{"kind": "connect", "address": FRONT, "t0_s": 0.1, "t_s": 0.1 + ms / 1000} for ms in (30.0, 4.0)]
    [found] = addresses(seen({"address": FRONT}, *times), TABLE).to_dict("records")
    assert found["least_ms"] == pytest.approx(4.0)
    assert (found["place"], found["caveat"], found["network"]) == ("content network", "anycast", "Cloudflare")


def test_shares_count_services_and_are_bounded_by_what_is_not_known() -> None:
    where = [INSIDE, INSIDE, ABROAD, FRONT, "9.9.9.9"]
    steps = [{"address": a, "hostname": f"{n}.gov.kh"} for n, a in enumerate(where)]
    placed = placements(addresses(seen(*steps, *steps, {"address": ABROAD, "hostname": "x.com.kh"}), TABLE))
    shares = hosting(placed).set_index("services")
    state = shares.loc["government"]
    counts = ("counted", "inside", "abroad", "both", "content", "unknown")
    assert [state[name] for name in counts] == [5, 2, 1, 0, 1, 1]
    assert (state["inside_low"], state["inside_high"]) == pytest.approx(wilson(2, 3))
    assert (state["least_share"], state["most_share"]) == (0.5, 0.75)
    assert shares["counted"].to_dict() == {"all": 6, "government": 5, "others": 1}


@pytest.mark.parametrize(("by", "periods"), [("month", 2), ("week", 3), ("day", 4)])
def test_periods(by: Any, periods: int) -> None:
    times = [DAY, DAY + pd.Timedelta(days=3), DAY + pd.Timedelta(days=8), DAY + pd.Timedelta(days=40)]
    frame = seen(*[{"address": INSIDE, "start": time} for time in times])
    # 1 May 2024 is a Wednesday.
    assert addresses(frame, TABLE, by=by)["period"].nunique() == periods


def test_moves_are_told_with_how_long_each_place_was_seen() -> None:
    where = [ABROAD, ABROAD, "9.9.9.9", INSIDE, INSIDE, INSIDE]
    frame = seen(*[{"address": a, "start": DAY + pd.Timedelta(days=n)} for n, a in enumerate(where)])
    [move] = moves(placements(addresses(frame, TABLE, by="day"))).to_dict("records")
    assert (move["before"], move["after"]) == ("abroad", "inside")
    assert ((move["last"] - DAY).days, (move["first"] - DAY).days) == (1, 3)
    assert (move["periods_before"], move["periods_after"]) == (2, 3)
    assert (move["networks_before"], move["networks_after"]) == ("PCCW", "Metfone")


def test_names() -> None:
    assert is_domestic("a.gov.kh", "KH") and is_domestic("bbc.co.uk", "GB")
    assert (
        not is_domestic("kh", "KH") and not is_domestic("a.kh.com", "KH") and not is_domestic("1.2.3.4", "KH")
    )
    assert all(map(is_government, ("moi.gov.kh", "rd.go.th", "navy.mil.my", "www.gov.np")))
    assert not any(map(is_government, ("gov.com", "a.gov.example.kh", "mygov.kh", "a.com.kh")))


@pytest.mark.parametrize("empty", [True, False])
def test_columns_are_those_documented(empty: bool) -> None:
    later = {"address": ABROAD, "start": DAY + pd.Timedelta(days=40)}
    steps: list[dict[str, Any]] = [] if empty else [{"address": INSIDE}, later]
    found = addresses(seen(*steps), TABLE)
    placed = placements(found)
    tables: list[tuple[type[Table], pd.DataFrame]] = [
        (ServiceAddresses, found),
        (Placements, placed),
        (Hosting, hosting(placed)),
        (Moves, moves(placed)),
    ]
    for table, got in tables:
        types = {str(name): str(dtype) for name, dtype in got.dtypes.items()}
        assert types == {name: column.dtype for name, column in table.columns().items()}, table


def test_the_command(tmp_path: Path) -> None:
    def one(number: int, host: str, address: str) -> Any:
        m = web(
            f"https://{host}/",
            queries=names([address], host=host),
            connects=[connect(address)],
            handshakes=[handshake(address, host=host)],
        )
        return replace(m, id=str(number), measurement_start_time="2024-05-01 12:00:00")

    hosted = {"www.mef.gov.kh": INSIDE, "bank.com.kh": ABROAD, "news.com.kh": FRONT}
    measured = [one(n, *pair) for n, pair in enumerate(hosted.items())]
    run = write_run(tmp_path / "r", measured, prefixes=PREFIXES)
    got = CliRunner().invoke(command, [str(run)])
    assert (got.exit_code, got.stderr) == (0, "")
    assert "www.mef.gov.kh" in got.stdout and "anycast" in got.stdout
    told = json.loads(CliRunner().invoke(command, [str(run), "--json"]).stdout)
    assert {row["domain"]: row["place"] for row in told["placements"]} == {
        "www.mef.gov.kh": "inside",
        "bank.com.kh": "abroad",
        "news.com.kh": "content network",
    }
    (tmp_path / "services.txt").write_text("https://bank.com.kh/\n")
    some = CliRunner().invoke(command, [str(run), "--json", "--services", str(tmp_path / "services.txt")])
    assert [row["domain"] for row in json.loads(some.stdout)["placements"]] == ["bank.com.kh"]
