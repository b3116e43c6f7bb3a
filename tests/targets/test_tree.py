from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from gatewatch_targets import DataError
from gatewatch_targets.tree import Node, read_tree

TEXT = """
[KH]
name = "Cambodia"
share = 51.5
open = true
[[KH.isps]]
name = "A"
asn = [38623, 17976]
source = "recall imap"
["odd key"]
x = 1
"""


def tree(text: str = TEXT) -> Node:
    return read_tree(io.BytesIO(text.encode()), "t.toml")


def test_values_and_their_places() -> None:
    country = tree().get("KH")
    assert (country.text("name"), country.number("share", 0, 100), country.flag("open")) == (
        "Cambodia",
        51.5,
        True,
    )
    (isp,) = country.rows("isps")
    assert (isp.path, isp.asns("asn"), isp.sources()) == ("KH.isps[0]", (38623, 17976), "recall imap")
    assert [key for key, _ in tree().tables()] == ["KH", "odd key"]
    assert (country.text("motto", "none"), country.rows("none"), country.texts("none")) == ("none", (), ())


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        ("[KH]", lambda n: n.get("KH").text("name"), "t.toml: KH.name: is missing"),
        ("KH=1", lambda n: n.get("KH").text("name"), "t.toml: KH: '1' is not a table"),
        ("a=1", lambda n: n.text("a"), "t.toml: a: '1' is not a text"),
        ("a=' '", lambda n: n.text("a"), "t.toml: a: is empty"),
        (r'a="\u001b"', lambda n: n.text("a"), r"t.toml: a: holds the control character '\x1b'"),
        ("a='x'", lambda n: n.choice("a", ("y", "z")), "t.toml: a: 'x' is not one of y, z"),
        ("a=101", lambda n: n.number("a", 0, 100), "t.toml: a: 101 is not from 0 to 100"),
        ("a=nan", lambda n: n.number("a", 0, 100), "t.toml: a: nan is not from 0 to 100"),
        ("a=true", lambda n: n.number("a", 0, 1), "t.toml: a: 'True' is not a number"),
        ("a=123.4", lambda n: n.number("a", -90, 90, "a latitude"), "t.toml: a: 123.4 is not a latitude"),
        ("a=1", lambda n: n.flag("a"), "t.toml: a: '1' is not true or false"),
        ("a=['x','x']", lambda n: n.texts("a"), "t.toml: a[1]: 'x' stands in the list already"),
        ("a='x'", lambda n: n.texts("a"), "t.toml: a: 'x' is not a list"),
        ("a=[1,'2']", lambda n: n.asns("a"), "t.toml: a[1]: '2' is not a whole number"),
        (
            "a=[64512]",
            lambda n: n.asns("a"),
            "t.toml: a[0]: 64512 is not the number of an operator's network",
        ),
        ("a=[0]", lambda n: n.asns("a"), "t.toml: a[0]: 0 is not the number of an operator's network"),
        ("a=[7,7]", lambda n: n.asns("a"), "t.toml: a[1]: 7 stands in the list already"),
        ("a='KHM'", lambda n: n.country("a"), "t.toml: a: 'KHM' is not a two-letter country code"),
        ("source='x'", lambda n: n.sources(), "t.toml: source: 'x' is not a key of sources.csv"),
        ("[a]\nb=1", lambda n: n.get("a").only("c"), "t.toml: a.b: is not read here; known are c"),
        ("['a b']\nc=1", lambda n: n.get("a b").text("c"), "t.toml: 'a b'.c: '1' is not a text"),
        ("a=[1]", lambda n: n.rows("a"), "t.toml: a[0]: '1' is not a table"),
    ],
)
def test_errors_name_file_and_path(text: str, read: Callable[[Node], object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree(text))
    assert str(caught.value) == message


@pytest.mark.parametrize("raw", [b"a=", b"\xff", b"a=1\na=2", b"[" * 5000])
def test_what_is_no_toml_is_told(raw: bytes) -> None:
    with pytest.raises(DataError, match=r"t\.toml: is not (TOML|UTF-8)"):
        read_tree(io.BytesIO(raw), "t.toml")
