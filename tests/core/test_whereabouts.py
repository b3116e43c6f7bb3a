from __future__ import annotations

import sys
from array import array
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.whereabouts import About, DamagedTable, Joined, Prefix, PrefixTable, packed

ABOUT = About("test", "7", "CC0-1.0", "2026-11-01T00:00:00Z", "made by this test")


@st.composite
def prefixes(draw: st.DrawFn) -> Prefix:
    # Few bits vary, so that prefixes lie inside one another and questions hit their edges.
    six = draw(st.booleans())
    bits, most = (128, (1 << 128) - 1) if six else (32, (1 << 32) - 1)
    length = draw(st.one_of(st.integers(0, bits), st.sampled_from([0, 8, 16, 24, bits // 2, bits // 2 + 1])))
    pattern = draw(st.sampled_from([0, most, 0x0A0B0C0D << (bits - 32), draw(st.integers(0, most))]))
    base = pattern >> (bits - length) << (bits - length)
    network = IPv6Network((base, length)) if six else IPv4Network((base, length))
    return Prefix(network, draw(st.integers(0, 5)), draw(st.sampled_from(["KH", "TH", ""])), "", "")


def brute(rows: list[Prefix], text: str) -> Prefix | None:
    wanted = ip_network(text)
    holding = [r for r in rows if r.network.version == wanted.version and wanted.subnet_of(r.network)]  # type: ignore[arg-type]
    # max() gives the first of equals, and of two rows for one prefix the first stands.
    return max(holding, key=lambda r: r.network.prefixlen, default=None)


def edges(rows: list[Prefix]) -> list[str]:
    """The addresses at which an answer may change, and their neighbours."""
    asked = []
    for row in rows:
        bits = row.network.max_prefixlen
        first, last = int(row.network.network_address), int(row.network.broadcast_address)
        for number in (first - 1, first, (first + last) // 2, last, last + 1):
            if 0 <= number < 1 << bits:
                asked.append(str(ip_address(number.to_bytes(bits // 8, "big"))))
    return asked


@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(prefixes(), max_size=12))
def test_longest_prefix_as_looking_through_all_rows(rows: list[Prefix]) -> None:
    table = PrefixTable(rows)
    asked = edges(rows)
    assert [table.lookup(a) for a in asked] == [brute(rows, a) for a in asked]


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(prefixes(), max_size=12))
def test_columns_say_what_single_look_ups_say(rows: list[Prefix]) -> None:
    pytest.importorskip("numpy", reason="columns need numpy")
    from gatewatch.whereabouts.columns import Columns

    table = PrefixTable(rows)
    columns = Columns(table)
    asked = [*edges(rows), "10.0.0.0/7", "nobody", None]
    one_by_one = [table.row(a) if a and a[0] != "n" else 0 for a in asked]
    assert columns.texts(asked).tolist() == one_by_one
    plain = [a for a in edges(rows) if ":" not in a]
    assert columns.texts(plain).tolist() == [table.row(a) for a in plain]


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50)), max_size=10))
def test_ranges_as_looking_through_all_of_them(pairs: list[tuple[int, int]]) -> None:
    """Ranges that overlap, too: the one that begins last holds, of those the shortest, of those the first."""
    ranges = [
        (4, first, first + more, (number + 1, "KH", "", "")) for number, (first, more) in enumerate(pairs)
    ]
    table = PrefixTable.of_ranges(ranges)
    for number in range(260):
        holding = [r for r in ranges if r[1] <= number <= r[2]]
        best = max(holding, key=lambda r: (r[1], -r[2]), default=None)
        found = table.lookup(str(ip_address(number)))
        assert (found.asn if found else None) == (best[3][0] if best else None)
        if found and best:
            # The prefix given is inside the range, and no larger one around the address is.
            assert best[1] <= int(found.network.network_address) <= number
            assert int(found.network.broadcast_address) <= best[2]


def test_a_range_gives_the_largest_prefix_inside_it() -> None:
    first, last = int(ip_address("1.0.1.0")), int(ip_address("1.0.3.255"))
    table = PrefixTable.of_ranges([(4, first, last, (13335, "US", "CLOUDFLARENET", ""))])
    networks = [str(p.network) if (p := table.lookup(a)) else None for a in ("1.0.1.9", "1.0.2.1", "1.0.4.0")]
    assert networks == ["1.0.1.0/24", "1.0.2.0/23", None]
    # A hop stored as a prefix must lie in the range whole.
    assert table.lookup("1.0.2.0/23") is not None
    assert table.lookup("1.0.0.0/22") is None
    whole = PrefixTable.of_ranges([(4, 0, 2**32 - 1, (1, "", "", "")), (6, 0, 2**128 - 1, (2, "", "", ""))])
    everything = [str(p.network) for a in ("9.9.9.9", "::1") if (p := whole.lookup(a))]
    assert everything == ["0.0.0.0/0", "::/0"]


def table() -> PrefixTable:
    return PrefixTable(
        [
            Prefix(ip_network("36.37.128.0/17"), 38623, "KH", "VIETTEL (CAMBODIA) វៀតតែល"),
            Prefix(ip_network("103.231.152.0/24"), 0, "", "", "HKIX"),
            Prefix(ip_network("2001:7fa:0:1::/64"), 4635, "HK", "HKIX", "HKIX"),
        ],
        ABOUT,
    )


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "t.table"
    path.write_bytes(table().dump())
    again = PrefixTable.load(path)
    assert again.about == ABOUT == packed.read_about(path)
    assert len(again) == 3
    for address in ("36.37.128.1", "103.231.152.7", "2001:7fa:0:1::1", "8.8.8.8"):
        assert again.lookup(address) == table().lookup(address)
    assert again.home_of(38623) == "KH" and again.home_of(1) == ""
    assert again.dump() == path.read_bytes()


def test_a_file_of_the_other_byte_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "t.table"
    path.write_bytes(table().dump())
    monkeypatch.setattr(sys, "byteorder", "big")
    with path.open("rb") as file:
        data = file.read()
    # On such a machine every number is turned round once; here that shows as numbers turned round.
    loaded = packed.load(path).sections["starts4"]
    turned = array("I", loaded.tobytes())
    turned.byteswap()
    monkeypatch.undo()
    assert turned.tolist() == table().packed.sections["starts4"].tolist()
    assert data == table().dump()


def test_any_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.table"
    good = table().dump()
    for damaged in (
        b"",
        b"prefix,asn,country,name\n",
        good[:-1],
        good[:40],
        good[:-9] + bytes([good[-9] ^ 1]) + good[-8:],
        good.replace(b'"ranges4": 4', b'"ranges4": 9'),
        good.replace(b'"ranges4": 4', b'"ranges4": x'),
        good + b"more",
    ):
        assert damaged != good
        path.write_bytes(damaged)
        with pytest.raises(DamagedTable):
            PrefixTable.load(path)
    with pytest.raises(OSError, match="No such file"):
        PrefixTable.load(tmp_path / "none")


def test_joined_tables_complete_one_another() -> None:
    networks = PrefixTable([Prefix(ip_network("36.37.0.0/16"), 38623, "", "Viettel")])
    countries = PrefixTable([Prefix(ip_network("36.0.0.0/8"), 0, "KH", "")])
    exchanges = PrefixTable([Prefix(ip_network("36.37.1.0/24"), 4635, "HK", "HKIX", "HKIX")])
    joined = Joined([networks, countries, exchanges])
    assert joined.lookup("36.37.9.9") == Prefix(ip_network("36.37.0.0/16"), 38623, "KH", "Viettel")
    assert joined.lookup("36.37.1.1") == Prefix(ip_network("36.37.0.0/16"), 38623, "KH", "Viettel", "HKIX")
    assert joined.lookup("36.1.1.1") == Prefix(ip_network("36.0.0.0/8"), 0, "KH", "")
    assert joined.lookup("9.9.9.9") is None
    assert (joined.home_of(38623), joined.home_of(4635)) == ("", "HK")


def test_what_is_no_address() -> None:
    for text in ("hop-3f9a", "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4/33", "\0"):
        with pytest.raises(ValueError, match="does not appear"):
            table().lookup(text)
