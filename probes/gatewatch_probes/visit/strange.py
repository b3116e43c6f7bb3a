"""Is a page that came for one name another hand's than what the server gives for names it does not know?

No probe, a part of contrast.  Servers that know the name answer it in their own way (two sites of one content
network), so only a short page that is no redirect to the site itself, and unlike both answers to innocuous
names, is called a page put in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from gatewatch.net.journal import Journal
from gatewatch.net.url import registered
from gatewatch.verdict.likeness.compare import title

# Block pages are short (gatewatch.verdict.evidence.pages holds 2,048 bytes for a notice).
_SHORT = 2048


@dataclass(frozen=True, slots=True)
class Page:
    """What tells one hand's page from another's."""

    status: int = 0
    headers: frozenset[str] = frozenset()
    title: str = ""
    length: int = 0
    location: str = ""

    @staticmethod
    def of(journal: Journal, transaction_id: int) -> Page:
        """Read the answer of an exchange; an empty page where none came."""
        for row in journal.transactions:
            if row.transaction_id == transaction_id and row.response is not None and row.response.code:
                pairs = {str(p[0]).lower(): str(p[1]) for p in row.response.headers_list or () if len(p) == 2}
                body = row.response.body or b""
                return Page(
                    row.response.code, frozenset(pairs), title(body), len(body), pairs.get("location", "")
                )
        return Page()


def strange(page: Page, controls: list[Page], name: str) -> str:
    """Say ``answered``, ``page`` (somebody else's) or ``differs`` (nobody can tell whose)."""
    if any((page.status, page.title) == (c.status, c.title) and page.headers == c.headers for c in controls):
        return "answered"
    if not page.status or not _agree(controls):
        return "differs"
    leads = urlsplit(page.location).hostname or ""
    own = page.location.startswith("/") or (leads != "" and registered(leads) == registered(name))
    return "differs" if own or page.length > _SHORT else "page"


def _agree(pages: list[Page]) -> bool:
    """Whether the server treats names that it does not know alike."""
    return len({(page.status, page.headers) for page in pages}) == 1
