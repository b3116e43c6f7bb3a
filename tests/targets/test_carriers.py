from __future__ import annotations

import io

import pytest

from gatewatch_targets import DataError
from gatewatch_targets.carriers import carrier, carriers, parse_carriers
from gatewatch_targets.tree import read_tree

TEXT = """
[a]
name = "China Telecom"
kind = "carrier"
home = "CN"
asn = [4134]
aliases = ["Chinanet"]
source = "recall"
[b]
name = "China Telecom Global"
kind = "international arm"
group = "a"
home = "HK"
asn = [23764]
aliases = []
source = "recall"
"""


def found(name_or_asn: str | int) -> str:
    carried = carrier(name_or_asn)
    return carried.id if carried else ""


@pytest.mark.parametrize("text", [4134, "4134", "AS4134", "as4134", " AS 4134 ", "ASN4134"])
def test_by_number(text: str | int) -> None:
    assert found(text) == "china-telecom"


@pytest.mark.parametrize("text", ["China Telecom", "china  telecom", " CHINA TELECOM ", "Chinanet", "cn2"])
def test_by_exact_name_whatever_its_case_and_spacing(text: str) -> None:
    assert found(text) == "china-telecom"


@pytest.mark.parametrize(
    "text",
    [
        "China Tele", "China Telecoms", "Not China Telecom", "China Telecom Museum", "ChinaTelecom",
        "Sino China Telecom Consulting", "CN2 Gallery", "Unicom Systems", "Unicom", "Telecom", "China",
        "China Mobile Games", "Mobile", "CTGNet Poker", "CTG Brasil", "CMI2", "Airtel Uganda",
        "Tata Steel", "Tata", "Tata Teleservices", "Viettel Peru", "Metfone", "Level", "FLAG", "Reach",
        "Huawei", "Alibaba", "Tencent", "Telia Norge", "Singtel Optus", "NTTPC", "Zayo Music", "HE",
        "AS41340", "AS413", "0", "AS0", "AS04134", "AS-4134", "4134.0", "-4134", "", "AS", "AS4294967296",
        "China Telecom\x00",
    ],
)  # fmt: skip
def test_look_alikes_are_nobody(text: str) -> None:
    assert carrier(text) is None


def test_numbers_of_nobody() -> None:
    assert [carrier(number) for number in (0, -1, 41340, 38623, 2**40)] == [None] * 5


def test_whose_company_it_is_goes_by_the_top_and_not_by_the_seat() -> None:
    arm, pccw = carriers()["china-mobile-international"], carriers()["pccw"]
    assert (arm.group, arm.home, arm.group_home, arm.is_chinese) == ("china-mobile", "HK", "CN", True)
    # A share of China Unicom's makes no carrier of China Unicom's.
    assert (pccw.home, pccw.is_chinese) == ("HK", False)
    chinese = {c.group for c in carriers().values() if c.is_chinese and c.kind != "cloud"}
    assert chinese == {"china-telecom", "china-unicom", "china-mobile"}


def test_every_name_and_number_leads_back_to_its_carrier() -> None:
    for each in carriers().values():
        for name in (each.name, *each.aliases):
            assert carrier(name) is each
        for network in each.networks:
            assert carrier(network.asn) is each
        assert each.networks


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("asn = [4134]", "asn = [1]", "a.asn[0]: 1 is not in networks.csv"),
        ("asn = [4134]", "asn = [[1]]", "a.asn[0]: '[1]' is not a whole number"),
        ("asn = [23764]", "asn = [4134]", "b.asn[0]: 4134 stands at a already"),
        ("aliases = []", 'aliases = ["CHINANET"]', "b.aliases[0]: 'CHINANET' stands at a.aliases[0] already"),
        ("aliases = []", 'aliases = ["AS4134"]', "b.aliases[0]: 'AS4134' reads as a number"),
        (
            'name = "China Telecom Global"',
            'name = "china telecom"',
            "b.name: 'china telecom' stands at a.name",
        ),
        ('group = "a"', 'group = "c"', "b.group: 'c' is not a table of a company at the top"),
        ('group = "a"', 'group = "b"', "b.group: a company at the top names no group"),
        ('home = "HK"', 'home = "Hong Kong"', "b.home: 'Hong Kong' is not a two-letter country code"),
        ('kind = "carrier"', 'kind = "cable"', "a.kind: 'cable' is not one of carrier"),
        ('source = "recall"', 'source = "x"', "a.source: 'x' is not a key of sources.csv"),
        ('source = "recall"', 'sauce = "x"', "a.sauce: is not read here"),
    ],
)
def test_errors_name_file_and_path(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(DataError) as caught:
        parse_carriers(read_tree(io.BytesIO(TEXT.replace(old, new, 1).encode()), "carriers.toml"))
    assert str(caught.value).startswith(f"carriers.toml: {message}")
