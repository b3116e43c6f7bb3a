"""The table of known injectors: typed, sourced, and strict."""

from __future__ import annotations

import io

import pytest

from gatewatch_targets import DataError, boxes, known_boxes, sources
from gatewatch_targets.rows import table


def test_every_row_is_sourced_and_says_something() -> None:
    rows = known_boxes()
    assert len({row.id for row in rows}) == len(rows) >= 8
    for row in rows:
        assert row.source in sources()
        said = (row.flags, row.ip_id, row.initial_ttl, row.packets, row.residual, row.in_path, row.window)
        assert any(word not in (None, "") for word in said), row.id
        assert 2000 < row.seen < 2100
        assert row.methods


def test_what_is_published_of_three() -> None:
    by_id = {row.id: row for row in known_boxes()}
    third = by_id["cn.gfw.3"]
    assert (third.ip_id, third.initial_ttl, third.flags) == ((0x9916, 0x9933), "255", "RA")
    assert (third.dont_fragment, third.residual, third.in_path) == (False, 180.0, False)
    assert by_id["cn.henan"].payload == bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    assert by_id["uz.sandvine"].payload_text == b"Object not found"
    assert by_id["uz.middlebox"].ip_id == (0, 65535)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("methods", "smtp"),
        ("ip_id", "9-3"),
        ("ip_id", "many"),
        ("window", "70000"),
        ("initial_ttl", "65"),
        ("payload", "xyz"),
        ("dont_fragment", "maybe"),
    ],
)
def test_what_is_wrong_is_named(field: str, value: str) -> None:
    columns = boxes._COLUMNS.split(",")
    good = {"id": "x", "name": "X", "methods": "tls", "seen": "2024", "source": "recall"}
    line = ",".join({**good, field: value}.get(column, "") for column in columns)
    (row,) = table(io.BytesIO(f"{boxes._COLUMNS}\n{line}\n".encode()), "boxes.csv", columns)
    with pytest.raises(DataError, match=rf"boxes\.csv:2: {field}:"):
        boxes._box(row)
