"""All pieces of evidence of a dataset, computed from its tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from gatewatch_analysis.blocking import everywhere_down
from gatewatch_analysis.gateway.border import borders
from gatewatch_analysis.gateway.boxes import box_types
from gatewatch_analysis.gateway.contrast import contrast_by_isp, contrast_signs
from gatewatch_analysis.gateway.exits import exits
from gatewatch_analysis.gateway.identifiable import identifiable
from gatewatch_analysis.gateway.isps import Isp, isps_of
from gatewatch_analysis.gateway.known import NOTHING, Known
from gatewatch_analysis.gateway.lists import list_agreement, list_pairs
from gatewatch_analysis.gateway.node import places, shared_nodes
from gatewatch_analysis.gateway.onset import onset_spread, onsets
from gatewatch_analysis.gateway.sellers import sellers, units
from gatewatch_analysis.gateway.uniformity import mechanisms, uniformity
from gatewatch_analysis.gateway.upstream import affected, carriers
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import VANTAGE


@dataclass(frozen=True, slots=True)
class Pieces:
    """Every table of evidence (:mod:`gatewatch_analysis.tables.evidence`), and who is affected at all."""

    borders: pd.DataFrame
    exits: pd.DataFrame
    sellers: pd.DataFrame
    units: pd.DataFrame
    places: pd.DataFrame
    shared_nodes: pd.DataFrame
    contrast_by_isp: pd.DataFrame
    contrast_signs: pd.DataFrame
    mechanisms: pd.DataFrame
    uniformity: pd.DataFrame
    list_pairs: pd.DataFrame
    list_agreement: pd.DataFrame
    box_types: pd.DataFrame
    onsets: pd.DataFrame
    onset_spread: pd.DataFrame
    carriers: pd.DataFrame
    identifiable: pd.DataFrame
    affected: dict[Isp, bool]


def pieces(data: Dataset, prefixes: Whereabouts, about: Known = NOTHING) -> Pieces:
    """Compute them all; ``about``: what is known of the countries' networks."""
    links = borders(data.hops, prefixes)
    sold = sellers(data.hops, prefixes)
    ways = exits(links)
    dead = everywhere_down(data.measurements)
    vantages = (frame[VANTAGE].drop_duplicates() for frame in (data.measurements, data.hops))
    everyone = {isp for frame in vantages for isp in isps_of(frame)}
    together = units(everyone, sold, about)
    # All measured ISPs may be sellers, whether or not anything was located on them.
    placed = places(data.loci, replace(about, retail=about.sellers(isp.asn for isp in everyone)))
    hit = affected(data.measurements, placed)
    shared = shared_nodes(placed)
    contrasts = contrast_by_isp(data.contrasts)
    ways_of_blocking = mechanisms(data.measurements, dead)
    pairs = list_pairs(data.measurements, dead)
    began = onsets(data.measurements)
    return Pieces(
        borders=links,
        exits=ways,
        sellers=sold,
        units=together,
        places=placed,
        shared_nodes=shared,
        contrast_by_isp=contrasts,
        contrast_signs=contrast_signs(contrasts),
        mechanisms=ways_of_blocking,
        uniformity=uniformity(ways_of_blocking),
        list_pairs=pairs,
        list_agreement=list_agreement(pairs),
        box_types=box_types(data.loci),
        onsets=began,
        onset_spread=onset_spread(began),
        carriers=carriers(links, hit, placed),
        identifiable=identifiable(links, ways, together, shared, sold),
        affected=hit,
    )
