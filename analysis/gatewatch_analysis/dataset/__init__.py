"""Datasets for researchers: Parquet by country and day, derived from measurements, complete or not there.

A dataset is a folder (or a prefix of an object store) with ``dataset.manifest``, which lists every file that
belongs to it and what each was made from.  What the manifest does not list is not there: so a build that
dies leaves a dataset as it was, and the next one clears up and goes on.
"""

from gatewatch_analysis.dataset.build import Built, build
from gatewatch_analysis.dataset.manifest import DamagedDataset
from gatewatch_analysis.dataset.merge import merge
from gatewatch_analysis.dataset.observed import Seen, observed
from gatewatch_analysis.dataset.overview import Overview, overview
from gatewatch_analysis.dataset.reading import is_dataset, read_table, tables

__all__ = [
    "Built",
    "DamagedDataset",
    "Overview",
    "Seen",
    "build",
    "is_dataset",
    "merge",
    "observed",
    "overview",
    "read_table",
    "tables",
]
