"""What it means: from many measurements to findings, as functions from DataFrame to DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewatch_analysis.loading import Dataset, NoDataset, load

__all__ = ["Dataset", "NoDataset", "load"]


def __getattr__(name: str) -> Any:
    # Processes that only read lines need no pandas, which takes 80 MB in each of them.
    if name in __all__:
        from gatewatch_analysis import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
