"""Content networks, whose addresses tell nothing of where their servers stand.

``anycast``: one address is announced from many places.  ``by DNS``: each address is at one place, and which
one a name leads to depends on who asks.  Many have servers within providers' own networks besides; those
wear the provider's addresses and count as its own.  Sources: the operators' documentation of their networks,
and their entries at the registries; for Akamai E. Nygren, R. Sitaraman and J. Sun, SIGOPS Operating Systems
Review 44 (3), 2010.
"""

from __future__ import annotations

ANYCAST, BY_DNS = "anycast", "by DNS"

#: AS number to how it spreads.
CONTENT: dict[int, str] = {
    13335: ANYCAST,  # Cloudflare
    209242: ANYCAST,  # Cloudflare
    54113: ANYCAST,  # Fastly
    19551: ANYCAST,  # Imperva, Incapsula
    30148: ANYCAST,  # Sucuri
    15133: ANYCAST,  # Edgecast
    32787: ANYCAST,  # Akamai Prolexic
    20940: BY_DNS,  # Akamai
    16625: BY_DNS,  # Akamai
    12222: BY_DNS,  # Akamai
    22822: BY_DNS,  # Limelight
    60068: BY_DNS,  # Datacamp, CDN77
    15169: BY_DNS,  # Google
}
