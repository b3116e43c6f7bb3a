"""What it means: from many measurements to findings, as functions from DataFrame to DataFrame."""

from gatewatch_analysis.loading import Dataset, NoDataset, load

__all__ = ["Dataset", "NoDataset", "load"]
