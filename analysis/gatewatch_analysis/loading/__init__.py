"""From files to tables: what was measured, every hop, and every line that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewatch_analysis.loading.stores import NoDataset

if TYPE_CHECKING:
    from pandas import DataFrame

    from gatewatch_analysis.loading.reader import STATUSES, Dataset, load

__all__ = ["STATUSES", "DataFrame", "Dataset", "NoDataset", "load"]


def __getattr__(name: str) -> Any:
    # Processes that only read lines need no pandas, which takes 80 MB in each of them.
    if name == "DataFrame":
        from pandas import DataFrame

        return DataFrame
    if name in __all__:
        from gatewatch_analysis.loading import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
