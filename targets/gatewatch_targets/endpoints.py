"""Apps and ways around, by the endpoints that they need: data/apps.csv, and the resolvers' encrypted doors.

What an app needs is told by its makers' code and by OONI's test specifications; each row names its source.
The targets that stand for the apps are the built-in list ``apps``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import cast, get_args

from .lists import load
from .model import App, Endpoint, Needed, Protocol
from .reference import known_sources, open_data, resolvers
from .rows import Row, table
from .text import quote
from .url import UrlError, parse

_COLUMNS = ("app", "role", "endpoint", "protocol", "needed", "issuer", "source", "note")
_WITH_URL = ("http", "https", "doh")
# A question that every resolver can answer, in the form of RFC 8484 4.1: example.com, type A, id 0.
_QUESTION = "AAABAAABAAAAAAAAB2V4YW1wbGUDY29tAAABAAE"


@dataclass(frozen=True, slots=True)
class _About:
    title: str
    url: str
    test: str
    independent: bool = False


#: Every app with the address of the target that stands for it.  Test names are OONI's where it measures the
#: same services in the same sense (ts-018, ts-019, ts-020, ts-023, ts-029).
_ABOUT = {
    "telegram": _About("Telegram", "https://web.telegram.org/", "telegram"),
    "whatsapp": _About("WhatsApp", "https://web.whatsapp.com/", "whatsapp"),
    "signal": _About("Signal", "https://signal.org/", "signal"),
    "messenger": _About("Facebook Messenger", "https://www.messenger.com/", "facebook_messenger"),
    "tor": _About("Tor", "https://www.torproject.org/", "tor"),
    "vpn": _About("VPN services", "https://riseup.net/", "app", independent=True),
    "doh": _About("DNS over HTTPS", "https://dns.google/", "app", independent=True),
    "dot": _About("DNS over TLS", "https://one.one.one.one/", "app", independent=True),
}


def _rows() -> Iterator[tuple[Row, Endpoint]]:
    seen: dict[tuple[str, str], int] = {}
    needed: dict[tuple[str, str], Needed] = {}
    with open_data("apps.csv") as stream:
        for row in table(stream, "apps.csv", _COLUMNS):
            known_sources(row)
            app = row.choice("app", tuple(_ABOUT))
            endpoint = _endpoint(row)
            if (line := seen.setdefault((app, endpoint.address), row.line)) != row.line:
                raise row.error("endpoint", f"{quote(endpoint.address)} stands on line {line} already")
            if needed.setdefault((app, endpoint.role), endpoint.needed) != endpoint.needed:
                raise row.error("needed", f"differs from the role's other rows: {quote(endpoint.role)}")
            yield row, endpoint


def _endpoint(row: Row) -> Endpoint:
    protocol = row.choice("protocol", cast(tuple[Protocol, ...], get_args(Protocol)))
    address = row.text("endpoint")
    endpoint = Endpoint(
        role=row.text("role"),
        address=address,
        protocol=protocol,
        needed=row.choice("needed", cast(tuple[Needed, ...], get_args(Needed))),
        issuer=row.text("issuer", ""),
        source=row.text("source"),
        note=row.text("note", ""),
    )
    try:
        place = parse(endpoint.url)
    except UrlError as error:
        raise row.error("endpoint", str(error)) from None
    if (protocol in _WITH_URL) != ("://" in address):
        form = "a URL" if protocol in _WITH_URL else "host:port"
        raise row.error("endpoint", f"{quote(address)} must be {form} for {protocol}")
    if protocol not in _WITH_URL and not address.endswith(f":{place.port}"):
        raise row.error("endpoint", f"{quote(address)} names no port")
    if not place.is_public:
        raise row.error("endpoint", f"{quote(place.host)} is not on the public internet")
    return endpoint


def _encrypted(protocol: Protocol) -> Iterator[Endpoint]:
    """The resolvers' encrypted doors: each a role of its own, since each is blocked, or not, by itself."""
    for resolver in resolvers():
        if protocol == "doh" and resolver.doh:
            address = f"{resolver.doh}?dns={_QUESTION}"
        elif protocol == "dot" and resolver.dot:
            address = f"{resolver.dot}:853"
        else:
            continue
        yield Endpoint(resolver.name, address, protocol, "all", "", resolver.source, resolver.note)


@lru_cache(maxsize=1)
def apps() -> Mapping[str, App]:
    """Give every app by its id; raises :class:`~gatewatch_targets.rows.DataError` for a damaged table."""
    found: dict[str, list[Endpoint]] = {name: [] for name in _ABOUT}
    for row, endpoint in _rows():
        found[row.text("app")].append(endpoint)
    found["doh"] += _encrypted("doh")
    found["dot"] += _encrypted("dot")
    return MappingProxyType(
        {
            name: App(name, about.title, about.url, about.test, tuple(found[name]), about.independent)
            for name, about in _ABOUT.items()
        }
    )


def app_at(url: str) -> App | None:
    """Give the app that a target's address stands for, None where it stands for none."""
    return next((app for app in apps().values() if app.url == url), None)


def targets_without_app() -> tuple[str, ...]:
    """Name the targets of the list ``apps`` that stand for no app: none, or the two tables disagree."""
    return tuple(target.url for target in load("apps") if app_at(target.url) is None)
