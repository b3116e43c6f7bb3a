from __future__ import annotations

import io
from typing import BinaryIO

import pytest

import gatewatch_targets.reference as reference
from gatewatch.verdict.rules import RULES
from gatewatch_targets import DataError, load
from gatewatch_targets.baselines import METHODS, baselines

HEADER = "id,asn,host,from,to,methods,confidence,source,note\n"


def test_one_order_met_many_methods() -> None:
    cambodian = [each for each in baselines() if each.host == "www.rfa.org"]
    assert len(cambodian) == 14 and {each.network.country for each in cambodian} == {"KH"}
    assert len({each.methods[0] for each in cambodian}) == 7
    spared = [each.network.asn for each in baselines() if not each.methods]
    assert spared == [10030, 9930, 4818]  # one order, and three networks not there yet


def test_hosts_can_be_measured_again() -> None:
    hosts = {target.host for name in ("global", "kh", "my", "np", "th") for target in load(name)}
    assert {each.host for each in baselines()} <= hosts


def test_methods_are_the_verdicts() -> None:
    known = {rule.method for rule in RULES if rule.method}
    assert set(METHODS) <= known


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,1,h,2018,2018,none,high,recall,", "asn: 1 is not in networks.csv"),
        ("a,x,h,2018,2018,none,high,recall,", "asn: 'x' is not a number"),
        ("a,4788,,2018,2018,none,high,recall,", "host: is missing"),
        ("a,4788,h,2018,2017,none,high,recall,", "to: 2017 is before 2018"),
        ("a,4788,h,once,2017,none,high,recall,", "from: 'once' is not a date"),
        ("a,4788,h,2018,2018,,high,recall,", "methods: is missing"),
        ("a,4788,h,2018,2018,dns.magic,high,recall,", "methods: 'dns.magic' is not one of dns.nxdomain"),
        ("a,4788,h,2018,2018,none,sure,recall,", "confidence: 'sure' is not one of high"),
        ("a,4788,h,2018,2018,none,high,x,", "source: 'x' is not a key of sources.csv"),
    ],
)
def test_a_damaged_table_is_named(monkeypatch: pytest.MonkeyPatch, row: str, message: str) -> None:
    real = reference.open_data

    def open_data(file: str) -> BinaryIO:
        return io.BytesIO((HEADER + row + "\n").encode()) if file == "baselines.csv" else real(file)

    monkeypatch.setattr(reference, "open_data", open_data)
    with pytest.raises(DataError) as caught:
        baselines.__wrapped__()
    assert str(caught.value).startswith(f"baselines.csv:2: {message}")
