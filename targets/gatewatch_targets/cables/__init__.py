"""Cables and links across borders: what is known of them, how sure, and by whom it is told
(docs/cables.md)."""

from .ask import (
    DEFINITION,
    Answer,
    Pair,
    cables_between,
    chinese_built,
    chinese_operated,
    chinese_owned,
    landings_in,
    pair_table,
)
from .companies import Company, Parent, Ultimate, companies, company_named, ultimate
from .foreign import Foreign, read_foreign
from .light import FIBRE_KM_PER_MS, cable_rtt, distance, least_rtt, least_rtt_between
from .model import Cable, Cut, Known, Landing, Length, Role, When
from .read import cable_named, cables, links, read

__all__ = [
    "DEFINITION",
    "FIBRE_KM_PER_MS",
    "Answer",
    "Cable",
    "Company",
    "Cut",
    "Foreign",
    "Known",
    "Landing",
    "Length",
    "Pair",
    "Parent",
    "Role",
    "Ultimate",
    "When",
    "cable_named",
    "cable_rtt",
    "cables",
    "cables_between",
    "chinese_built",
    "chinese_operated",
    "chinese_owned",
    "companies",
    "company_named",
    "distance",
    "landings_in",
    "least_rtt",
    "least_rtt_between",
    "links",
    "pair_table",
    "read",
    "read_foreign",
    "ultimate",
]
