import random
from ipaddress import ip_address, ip_network
from pathlib import Path

import pandas as pd
import pytest

from gatewatch_analysis.prefixes import Prefix, PrefixTable, read_prefixes, whose


def prefix(text: str, asn: int = 1) -> Prefix:
    return Prefix(ip_network(text), asn, "KH", f"AS{asn}")


def read(path: Path) -> tuple[list[Prefix], list[tuple[int, str]]]:
    bad: list[tuple[int, str]] = []
    return list(read_prefixes(path, lambda _, line, reason: bad.append((line, reason)))), bad


def test_the_longest_prefix_wins() -> None:
    table = PrefixTable([prefix("10.0.0.0/8", 1), prefix("10.1.0.0/16", 2), prefix("10.1.2.0/24", 3)])
    found = {
        a: p.asn if (p := table.lookup(a)) else None
        for a in ("10.0.0.0", "10.1.0.1", "10.1.2.255", "10.1.3.0", "10.2.0.0", "11.0.0.0", "9.255.255.255")
    }
    assert list(found.values()) == [1, 2, 3, 2, 1, None, None]


def test_both_families_and_the_whole_space() -> None:
    table = PrefixTable([prefix("0.0.0.0/0", 1), prefix("2001:db8::/32", 2), prefix("255.255.255.255/32", 3)])
    answers = [table.lookup(a) for a in ("0.0.0.0", "255.255.255.255", "2001:db8::1", "2001:db9::")]
    assert [p.asn if p else None for p in answers] == [1, 3, 2, None]


def test_a_truncated_hop_is_found_only_in_what_holds_all_of_it() -> None:
    table = PrefixTable([prefix("36.37.128.0/17", 1), prefix("36.37.200.0/25", 2)])
    assert table.lookup("36.37.129.0/24") == prefix("36.37.128.0/17", 1)
    assert table.lookup("36.37.200.0/24") is None
    with pytest.raises(ValueError, match="does not appear"):
        table.lookup("hop-3f9a")


def test_of_two_rows_for_a_prefix_the_first_stands() -> None:
    table = PrefixTable([prefix("10.0.0.0/8", 1), prefix("10.0.0.0/8", 2)])
    assert len(table) == 1
    assert table.lookup("10.0.0.1") == prefix("10.0.0.0/8", 1)


def test_same_answers_as_looking_through_all_rows() -> None:
    rng = random.Random(1)
    rows = []
    for asn in range(300):
        length = rng.randint(4, 14)
        rows.append(prefix(f"{ip_address(rng.getrandbits(length) << (32 - length))}/{length}", asn))
    table = PrefixTable(rows)
    unique = {row.network: row for row in reversed(rows)}
    for _ in range(2000):
        address = ip_address(rng.getrandbits(32))
        holding = [row for network, row in unique.items() if address in network]
        best = max(holding, key=lambda row: row.network.prefixlen, default=None)
        assert table.lookup(str(address)) == best


def test_bad_rows_are_reported_by_line(tmp_path: Path) -> None:
    path = tmp_path / "prefixes.csv"
    path.write_text(
        "prefix,asn,country,name\n"
        "36.37.128.0/17,AS38623,kh,Viettel\n"
        "36.37.128.1/17,38623,KH,Viettel\n"
        "1.0.0.0/24,many,KH,x\n"
        "1.0.0.0/24,4294967296,KH,x\n"
        "1.0.0.0/24,1\n"
        "2400::/12,1,KH,\n"
    )
    good, bad = read(path)
    assert good == [
        Prefix(ip_network("36.37.128.0/17"), 38623, "KH", "Viettel"),
        Prefix(ip_network("2400::/12"), 1, "KH", ""),
    ]
    assert bad == [
        (3, "prefix: 36.37.128.1/17 has host bits set"),
        (4, "asn: 'many' is no AS number"),
        (5, "asn: '4294967296' is no AS number"),
        (6, "country: '' is no country code"),
    ]


def test_a_file_without_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "prefixes.csv"
    path.write_text("prefix,asn\n1.0.0.0/24,1\n")
    assert read(path) == ([], [(1, "lacks the column country")])


def test_a_column_says_what_single_lookups_say() -> None:
    networks = PrefixTable([prefix("36.37.0.0/16", 38623), prefix("2400::/12", 2)])
    exchange = PrefixTable([Prefix(ip_network("36.37.1.0/24"), 0, "HK", "", "HKIX")])
    column = pd.Series(
        ["36.37.1.1", "36.37.2.0/24", "2400::1", "hop-3f9a", None, "8.8.8.8"], index=range(6, 12)
    )
    found = whose(column, [networks, exchange])
    assert found.index.tolist() == column.index.tolist()
    assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
        [38623, "KH", "AS38623", "HKIX"],
        [38623, "KH", "AS38623", None],
        [2, "KH", "AS2", None],
        [None] * 4,
        [None] * 4,
        [None] * 4,
    ]
    assert whose(column.iloc[:0], networks).empty
