"""A ``[[host]]`` table: names whose addresses, certificate and conduct a scenario pins, as OONI's lab does.

Every other name keeps to the shares of ``[sites]``.  The first table that holds a name counts, so that a
file can say something else than the part it includes.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What is wrong with a certificate; "ok" is nothing.
CERTIFICATES = ("ok", "expired", "untrusted", "wrong_name")
#: What clients inside the country are answered in place of the page: nothing else, a challenge, a refusal by
#: status, or a redirect to a URL without a host (OONI QA cloudflareCAPTCHA*, redirectWithBrokenLocation*).
DOMESTIC = ("ok", "captcha", "403", "451", "broken-http", "broken-https")
#: How its page varies: not at all, from one answer to the next (a news site's front page), or by country (the
#: language is chosen for the visitor).
VARIES = ("", "hour", "language")
#: For whom connections fail, and how.
DOWN = ("", "refused", "vanished", "helper-refused", "helper-vanished")


@dataclass(frozen=True, slots=True)
class Redirect:
    """A path that answers with a redirect, over either scheme, to everybody."""

    path: str
    to: str
    status: int = 308


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """One or several names that share a server.

    ``addresses`` holds IPv4 and IPv6; ``abroad`` is what resolvers outside the country and the helper are
    told in their place (geo-DNS), empty for the same.  Without any the names get addresses as others do.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    abroad: tuple[str, ...] = ()
    also_at: tuple[str, ...] = ()  # addresses that pass everything on to it, such as a transparent proxy's
    certificate: str = "ok"
    domestic: str = "ok"
    redirects: tuple[Redirect, ...] = ()
    redirect_chain: bool = False  # /redirect/N answers with N redirects, as httpbin does
    status: int = 200
    title: str = ""  # empty: as any site's
    size: int = 0  # the page's bytes; 0: as any site's.  Large ones are sent as they are made
    varies: str = ""  # hour: title, words and length are others each time; language: abroad it is another's
    headers: tuple[str, ...] = ()  # `Name: value`, in place of a site's own habits
    ports: tuple[int, ...] = ()  # the open ones, all others refuse; empty: as any site's
    down: str = ""  # refused | vanished for everybody, helper-refused | helper-vanished for the helper alone
    silent: tuple[str, ...] = ()  # addresses of it that swallow every packet, such as a broken IPv6
    flaky: float = 0.0  # probability that a connection is refused, drawn from the seed for each
    domestic_only: bool = False  # the name has no address for resolvers abroad
    absent: bool = False  # the name has no address for anybody
    trap: str = ""  # a hostile server in its place: what it is called under lab-trap.net

    @property
    def everywhere(self) -> tuple[str, ...]:
        """All addresses that serve it, whoever is told them."""
        return tuple(dict.fromkeys((*self.addresses, *self.abroad, *self.also_at)))
