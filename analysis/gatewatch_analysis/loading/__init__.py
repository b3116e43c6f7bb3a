"""From files to tables: what was measured, every hop, and every line that could not be read."""

from pandas import DataFrame

from gatewatch_analysis.loading.reader import STATUSES, Dataset, load
from gatewatch_analysis.loading.sources import NoDataset

__all__ = ["STATUSES", "DataFrame", "Dataset", "NoDataset", "load"]
