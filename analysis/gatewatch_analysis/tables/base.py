"""What a table and a column are: the type, the unit, and where the value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd

# Nullable types: a missing number is <NA>, never NaN or a number that means "none".
TEXT = "string"
#: Text of which many rows share few values; kept once, and numbered.
CATEGORY = "category"
WHOLE = "Int64"
REAL = "Float64"
FLAG = "boolean"
# Microseconds stated outright: pandas 2 and 3 choose different units when left alone.
TIME = "datetime64[us, UTC]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, what it holds, its unit and its source."""

    dtype: str
    doc: str
    unit: str = ""
    source: str = ""


#: Joins the rows of one measurement over all tables; copies of a measurement are told by it.
MEASUREMENT = Column(
    WHOLE,
    "which measurement: the same number in every copy of it",
    "64-bit hash",
    "id, or report_id with test, input and start, or measurement_uid, or the line",
)


class Table:
    """A table; its columns are the class attributes, in order."""

    title: ClassVar[str] = ""

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Give name to column, those of the classes it builds on first."""
        found: dict[str, Column] = {}
        for part in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(part).items() if isinstance(value, Column)})
        return found

    @classmethod
    def frame(cls, rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
        """Build the typed frame from rows in the order of the columns; None is a missing value."""
        import pandas as pd  # here, since processes that only read lines do without

        columns = cls.columns()
        # By column, so that no intermediate frame guesses the types.
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        return pd.DataFrame(
            {
                name: pd.Series(list(cells), dtype=column.dtype)
                for (name, column), cells in zip(columns.items(), values, strict=True)
            }
        )

    @classmethod
    def typed(cls, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the table's columns of ``frame``, in order, with their types and a fresh index."""
        columns = cls.columns()
        chosen = frame.loc[:, list(columns)].reset_index(drop=True)
        return chosen.astype({name: column.dtype for name, column in columns.items()})


class Vantage(Table):
    """Where it was measured; the unit of every comparison between networks."""

    country = Column(TEXT, "country of the vantage, ZZ when not known", "ISO 3166-1 alpha-2", "probe_cc")
    isp = Column(TEXT, "name of the vantage's network", "", "run.json vantage.isp, else probe_network_name")
    asn = Column(WHOLE, "number of that network, 0 when not known", "", "probe_asn")
    lab = Column(FLAG, "measured in the lab's emulated internet, not in the real one", "", "run.json lab")


#: The columns that name a vantage: what is grouped by "per ISP".
VANTAGE = list(Vantage.columns())
