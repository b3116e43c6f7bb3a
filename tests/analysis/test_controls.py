"""Other vantages as the control: who may vouch, and that the same table of rules decides."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.frames import judged
from tests.analysis.runs import write_run
from tests.analysis.vantages import CUT, PLAIN, URL, at, reached
from tests.core.verdict_build import (
    LIE,
    NOTICE,
    PAGE,
    SITE,
    connect,
    control,
    fetch,
    handshake,
    names,
    web,
)

from gatewatch.records import Measurement
from gatewatch.verdict import judge
from gatewatch_analysis.controls import judge_again, witnesses
from gatewatch_analysis.controls.seen import as_control
from gatewatch_analysis.loading import load
from gatewatch_analysis.tables import Judged, Witnesses

NEED: dict[str, Any] = {"label": "inconclusive(no_control)", "asn": 1, "rule": "tls.no_control"}
Row = dict[str, Any]


def need_and(*others: Row, **need: Any) -> pd.DataFrame:
    frame = judged([{**NEED, **need}, *others])
    # The builder's label is a status; these have one of their own.
    bare = frame["status"] == NEED["label"]
    return frame.assign(status=frame["status"].mask(bare, "inconclusive"))


def sea(asn: int, label: str = "ok", hour: float = 12, **about: Any) -> Row:
    return {"asn": asn, "country": "SG", "label": label, "hour": hour, **about}


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ([sea(2), sea(3)], {"up"}),
        ([sea(2)], set()),  # one is not enough
        ([sea(2), sea(2)], set()),  # nor one twice
        ([sea(2, hour=8), sea(3, hour=9)], set()),  # both before: it may have gone down since
        ([sea(2, hour=8), sea(3, hour=20)], {"up"}),
        ([sea(2, hour=8), sea(3, hour=12.5)], {"up"}),
        ([sea(2, hour=-1), sea(3, hour=25)], set()),  # more than half a day away
        ([sea(2), sea(3), sea(4, "down"), sea(5, "down")], set()),  # as many failed
        ([sea(2), sea(3), sea(4, "down")], {"up"}),
        ([sea(2), sea(3), sea(4, "tls.reset"), sea(5, "tls.reset")], {"up"}),  # blocked there is no failure
        ([sea(2, country="KH"), sea(3)], {"up"}),  # another ISP at home reached it
        ([sea(2), sea(3), sea(4, "down", country="KH"), sea(5, "down", country="KH")], {"up"}),
        ([sea(2, "down"), sea(3, "down")], {"down"}),
        ([sea(2, "down")], set()),
        ([sea(2, "down"), sea(3, "down"), sea(4)], set()),
        ([sea(2, "server_side"), sea(3, "server_side")], set()),  # turned away is not reached
        ([sea(1, country="KH"), sea(2)], set()),  # the same vantage is no other
        ([sea(2, input="https://other.com/"), sea(3)], set()),
        ([sea(2, lab=True), sea(3)], set()),
        ([sea(2, test_name="quic"), sea(3)], set()),
    ],
)
def test_who_may_vouch(others: list[Row], says: set[str]) -> None:
    found = witnesses(need_and(*others))
    assert set(found["says"]) == says
    assert found["witness"].nunique() == len(found) == (0 if not says else len(found))


@pytest.mark.parametrize(("rule", "vouch"), [("tcp.no_control", set()), ("whole.no_control", {1, 2})])
def test_failures_without_a_control_count_against(rule: str, vouch: set[int]) -> None:
    # The last rule is of a page that came, and of which only whose it is was not known.
    others = [sea(asn, NEED["label"], rule=rule) for asn in (4, 5)]
    found = witnesses(need_and(sea(2), sea(3), *others))
    assert set(found.loc[found["measurement"] == 0, "witness"]) == vouch


@given(
    st.lists(
        st.tuples(st.sampled_from(["down", "tls.reset", "inconclusive", "server_side"]), st.integers(2, 9))
    )
)
@settings(max_examples=60, deadline=None)
def test_where_nobody_got_there_nobody_says_it_is_up(others: list[tuple[str, int]]) -> None:
    found = witnesses(need_and(*[sea(asn, label) for label, asn in others]))
    assert "up" not in set(found["says"])


# Whole measurements, through files and back.


def again(folder: Path, *measurements: Measurement) -> pd.DataFrame:
    run = write_run(folder / "r", measurements, isp=None)
    return judge_again(load([run]).measurements, [run])


@pytest.mark.parametrize("label", CUT)
def test_the_rules_decide_as_with_a_helper(tmp_path: Path, label: str) -> None:
    alone = at(CUT[label], 1, "KH")
    assert judge(alone).label == "inconclusive(no_control)"
    url = str(alone.input)
    frame = again(tmp_path, alone, at(reached(url), 2, "SG"), at(reached(url), 3, "TH", hour=13))
    first = frame.iloc[0]
    assert first["label"] == label
    assert first["control_from"] == "SG AS2 +0 h, TH AS3 +1 h"
    assert frame["control_from"].notna().tolist() == [True, False, False]
    # The helper of a probe that could have asked one gives the same.
    assert judge(replace(alone, test_keys=reached_keys(alone, url))).label == label


def reached_keys(alone: Measurement, url: str) -> Any:
    extra = {**alone.test_keys.extra, "control": as_control(reached(url)), "control_failure": None}
    return replace(alone.test_keys, extra=extra)


def test_what_is_down_elsewhere_is_down(tmp_path: Path) -> None:
    gone = web(
        URL,
        queries=names([SITE]),
        connects=[connect(SITE, "generic_timeout_error")],
        control=control(tcp={f"{SITE}:443": "generic_timeout_error"}, tls={}, http="generic_timeout_error"),
    )
    frame = again(tmp_path, at(CUT["blocked(tcp.timeout)"], 1, "KH"), at(gone, 2, "SG"), at(gone, 3, "TH"))
    assert frame["label"].tolist() == ["down"] * 3


def test_witnesses_who_disagree_decide_nothing(tmp_path: Path) -> None:
    # One vantage is shown the very page that this one got, the other is not.
    notice = {"body": NOTICE, "headers": {"Server": "filter"}}
    theirs = replace(reached(PLAIN, **notice), x_gatewatch_verdict=judge(reached(PLAIN)).to_json())
    frame = again(
        tmp_path,
        at(CUT["blocked(http.blockpage)"], 1, "KH"),
        at(theirs, 2, "SG"),
        at(reached(PLAIN), 3, "TH"),
    )
    assert frame.loc[0, "label"] == "inconclusive(no_control)"
    assert frame["control_from"].isna().all()


def test_one_witness_changes_nothing(tmp_path: Path) -> None:
    frame = again(tmp_path, at(CUT["blocked(tls.reset)"], 1, "KH"), at(reached(), 2, "SG"))
    assert frame["label"].tolist() == ["inconclusive(no_control)", "ok"]


def test_a_page_cut_short_has_no_length() -> None:
    seen = as_control(reached(truncated=True))
    assert seen is not None
    assert (seen["http_request"]["body_length"], seen["http_request"]["title"]) == (
        -1,
        "Example news of the day",
    )
    whole = as_control(reached())
    assert whole is not None and whole["http_request"]["body_length"] == len(PAGE)


def test_addresses_that_proved_themselves_are_the_sites() -> None:
    lied = web(
        URL,
        queries=names([LIE, SITE]),
        connects=[connect(LIE), connect(SITE)],
        handshakes=[handshake(LIE, "ssl_invalid_hostname"), handshake(SITE)],
        requests=[fetch(URL)],
    )
    seen = as_control(lied)
    assert seen is not None
    assert seen["dns"] == {"failure": None, "addrs": [SITE]}
    assert seen["tls_handshake"][f"{LIE}:443"]["failure"] == "ssl_invalid_hostname"
    assert as_control(web(URL)) is None


@pytest.mark.parametrize("others", [[], [sea(2), sea(3)]])
def test_columns_are_those_documented(tmp_path: Path, others: Sequence[Row]) -> None:
    frame = witnesses(need_and(*others))
    assert {str(k): str(v) for k, v in frame.dtypes.items()} == {
        name: column.dtype for name, column in Witnesses.columns().items()
    }
    found = again(tmp_path, at(CUT["ok"], 1, "KH"), *[at(reached(PLAIN), row["asn"], "SG") for row in others])
    assert {str(k): str(v) for k, v in found.dtypes.items()} == {
        name: column.dtype for name, column in Judged.columns().items()
    }
