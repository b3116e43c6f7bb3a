"""Whose addresses are these: the core's tables, for columns of a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gatewatch.whereabouts import Joined, Prefix, PrefixTable, Whereabouts, read_prefixes
from gatewatch.whereabouts.columns import Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Joined", "Prefix", "PrefixTable", "Whereabouts", "read_prefixes", "whose"]


def whose(addresses: pd.Series[Any], tables: Whereabouts | Iterable[PrefixTable]) -> pd.DataFrame:
    """Look up a column of addresses as text; of several tables the first one's word stands.

    Gives a frame with the same index: ``asn`` (Int64), ``country``, ``name`` and ``ixp`` (category); missing
    where no table says.  Addresses that cannot be read, such as a hop's keyed hash, are nobody's.  Raises
    TypeError for what knows single addresses only.
    """
    ordered = _ordered(tables)
    texts = addresses.tolist()
    asns = np.zeros(len(texts), np.int64)
    words: dict[str, NDArray[Any]] = {
        column: np.full(len(texts), "", object) for column in ("country", "name", "ixp")
    }
    for table in ordered:
        columns = Columns(table)
        rows = columns.texts(texts)
        found = columns.asns[rows].astype(np.int64)
        same = (asns == 0) | (asns == found)
        asns = np.where(asns == 0, found, asns)
        for column, by_row in (
            ("country", columns.countries.astype(object)),
            ("name", np.array(columns.names, object)),
            ("ixp", np.array(columns.exchanges, object)),
        ):
            open_ = words[column] == ""
            if column == "name":
                # A name belongs to its AS number: another table's number is not given this one's name.
                open_ &= same
            words[column][open_] = by_row[rows[open_]]
    frame = pd.DataFrame({"asn": pd.array(asns, dtype="Int64")}, index=addresses.index)
    frame["asn"] = frame["asn"].mask(frame["asn"] == 0)
    for column, values in words.items():
        values[values == ""] = None
        frame[column] = pd.Categorical(values)
    return frame


def _ordered(tables: Whereabouts | Iterable[PrefixTable]) -> list[PrefixTable]:
    if isinstance(tables, PrefixTable):
        return [tables]
    if isinstance(tables, Joined):
        return list(tables.tables)
    if isinstance(tables, Iterable):
        return list(tables)
    raise TypeError(f"{type(tables).__name__} has no columns to look up in")
