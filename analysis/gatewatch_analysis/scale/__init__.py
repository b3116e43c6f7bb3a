"""More than one machine: the same functions on the same pieces, by a Dask cluster."""

from gatewatch_analysis.scale.cluster import cluster
from gatewatch_analysis.scale.countries import by_country

__all__ = ["by_country", "cluster"]
