"""What is known of a country's networks beforehand: whose they are, who sells, and which one a law names.

From ``gatewatch_targets``.  A network that the law names as the country's one gate is not taken for an ISP
that sells transit, even where its operator is one: that its node is shared is what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from gatewatch_targets import countries


@dataclass(frozen=True, slots=True)
class Known:
    """``retail``: networks of ISPs, measured or not; ``gates``: of the one gate; ``company``: by network."""

    retail: frozenset[int] = frozenset()
    gates: frozenset[int] = frozenset()
    company: Mapping[int, str] = field(default_factory=dict)

    def sellers(self, measured: Iterable[int]) -> frozenset[int]:
        """Give the networks that may be an ISP's where another's interference is."""
        return (self.retail | {number for number in measured if number}) - self.gates


#: Nothing is known.
NOTHING = Known()


@cache
def known() -> Known:
    """Read what is known of the four countries."""
    retail: set[int] = set()
    gates: set[int] = set()
    company: dict[int, str] = {}
    for country in countries.countries().values():
        for isp in country.isps:
            for network in isp.networks:
                retail.add(network.asn)
                company[network.asn] = isp.name
        for gateway in country.gateways:
            # Of several operators each has a border of its own, and is an ISP, or an arm of one.
            where = gates if len(gateway.operators) == 1 else retail
            where.update(network.asn for network in gateway.networks)
    return Known(frozenset(retail), frozenset(gates), company)
