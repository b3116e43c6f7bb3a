"""Is a site alive, where nobody censors it?  What a test helper saw, read for the care of target lists.

A list with dead or parked sites wastes a volunteer's line, and a parked domain that answers everywhere else
is read as "not blocked".  One look proves nothing, so this only suggests; nobody's entry is ever deleted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from gatewatch.verdict.evidence.control import Control, text

State = Literal["alive", "parked", "gone", "no name", "silent", "refuses", "failing", "not known"]

# Words in titles of sale and advertising pages of parked domains (the features of Vissers, Joosen and
# Nikiforakis, "Parking Sensors", NDSS 2015, section 5; the words are those of the services' own pages).
_SALE = re.compile(
    r"domain (name )?(is |may be )?for sale|is for sale|buy this domain|this domain (is )?(parked|expired)"
    r"|parked (free|domain)|domain parking|domain (has )?expired|hugedomains|sedo\.com|afternic|\bdan\.com\b"
)
# Adblock Plus lets pages of parking services show advertisements that identify themselves by this header
# (its filter documentation, "sitekey"); it was made for them.  X-Buckets and X-Template are ParkingCrew's.
_HEADERS = frozenset({"x-adblock-key", "x-buckets"})
_SERVERS = ("parking/", "sedoparking")
# Networks of services that do little else: Sedo, Bodis, Team Internet (ParkingCrew), Trellian (Above.com),
# Confluence (Skenzo), by their entries in the registries.
_NETWORKS = frozenset({47846, 395082, 61969, 133618, 40034})
# A page that only loads a script of the service; honest front pages have more (HTTP Archive, 2024: the
# median page's HTML alone is some 30 KB).
_SMALL = 4096
# Several weak signs, never one.
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Look:
    """What one look says: a state, the signs it stands on, and what to do about the entry."""

    state: State
    signs: tuple[str, ...] = ()
    suggestion: str = ""


def look(control: Control) -> Look:
    """Judge one answer of a helper."""
    if not control.present:
        return Look("not known", (control.failure or "no answer of a helper",))
    if control.names in ("nxdomain", "no_answer", "dns_nxdomain_error"):
        return Look("no name", (control.names,), "look again on another day; then mark it dead")
    if control.http != "ok":
        why = control.http_failure or control.names
        return Look("silent", (why,), "look again on another day, and from another helper")
    if control.status in (404, 410):
        return Look("gone", (f"status {control.status}",), "look for the page's new address")
    if control.status >= 500:
        return Look("failing", (f"status {control.status}",), "look again on another day")
    if len(signs := parked(control)) >= _ENOUGH:
        return Look("parked", signs, "see for yourself; if it is parked, mark it dead")
    if control.status in (401, 403, 429, 451):
        # Helpers stand in data centres, which many sites turn away: that says nothing of the site.
        return Look("refuses", (f"status {control.status}",), "nothing: servers often turn helpers away")
    return Look("alive", signs)


def parked(control: Control) -> tuple[str, ...]:
    """Give the kinds of signs that a page is that of a parking service; each by itself is weak."""
    found = []
    if _SALE.search(control.title.lower()):
        found.append(f"title {control.title[:60]!r}")
    names = {str(name).lower(): text(value) for name, value in control.headers.items()}
    if marks := sorted(_HEADERS & names.keys()):
        found.append(f"header {marks[0]}")
    elif names.get("server", "").lower().startswith(_SERVERS):
        found.append(f"server {names['server'][:40]!r}")
    # All its addresses, as one of a content network's may be anywhere.
    asns = {control.asns.get(address, 0) for address in control.addresses}
    if asns and asns <= _NETWORKS:
        found.append(f"network AS{min(asns)}")
    if found and 0 <= control.body_length < _SMALL:
        found.append(f"page of {control.body_length} bytes")
    return tuple(found)
