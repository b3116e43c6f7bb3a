"""What measuring and judging stand on: categories, resolvers, networks, fingerprints, helpers and so on.

Each function reads its table once, on first use, and raises :class:`~gatewatch_targets.rows.DataError` with
file, line and field when the table is damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import BinaryIO, cast, get_args

from .model import (
    RISKS,
    Beacon,
    Category,
    Confidence,
    Filtering,
    Fingerprint,
    Helper,
    Network,
    Resolver,
    Risk,
    Scope,
    Source,
    Target,
    Where,
)
from .rows import Row, table
from .text import quote
from .url import UrlError, parse

_SHA1 = re.compile(r"[0-9a-f]{40}")


def open_data(file: str) -> BinaryIO:
    """Open a file of the package's data folder."""
    return cast(BinaryIO, files(__package__).joinpath("data", file).open("rb"))


def table_rows(file: str, columns: str) -> Iterator[Row]:
    """Read a table of the data folder, checking its source keys and that its first column never repeats."""
    names = columns.split(",")
    seen: dict[str, int] = {}
    with open_data(file) as stream:
        for row in table(stream, file, names):
            first = row.text(names[0])
            if first in seen:
                raise row.error(names[0], f"{quote(first)} stands on line {seen[first]} already")
            seen[first] = row.line
            if "source" in names:
                known_sources(row)
            yield row


def known_sources(row: Row) -> str:
    """Give the row's source keys, each of which must stand in sources.csv."""
    for key in row.text("source").split():
        if key not in sources():
            raise row.error("source", f"{quote(key)} is not a key of sources.csv")
    return row.text("source")


def url_in(row: Row, field: str) -> str:
    """Give the address in its one spelling."""
    try:
        return parse(row.text(field)).text
    except UrlError as error:
        raise row.error(field, str(error)) from None


def _addresses(row: Row, field: str, version: int) -> tuple[str, ...]:
    for word in row.words(field):
        try:
            found = ip_address(word).version
        except ValueError:
            found = None
        if found != version:
            raise row.error(field, f"{quote(word)} is not an IPv{version} address")
    return row.words(field)


def _prefixes(row: Row, field: str) -> tuple[str, ...]:
    for word in row.words(field):
        try:
            ip_network(word)
        except ValueError:
            raise row.error(field, f"{quote(word)} is not a prefix") from None
    return row.words(field)


def _regex(row: Row, field: str) -> str:
    pattern = row.text(field, "")
    try:
        re.compile(pattern)
    except re.error as error:
        raise row.error(field, f"{quote(pattern)} is not a pattern: {error}") from None
    return pattern


@lru_cache(maxsize=1)
def sources() -> Mapping[str, Source]:
    """Give every source by its key."""
    found = (
        Source(row.text("key"), row.text("title"), row.text("url", ""))
        for row in table_rows("sources.csv", "key,title,url")
    )
    return MappingProxyType({source.key: source for source in found})


@lru_cache(maxsize=1)
def categories() -> Mapping[str, Category]:
    """Give Citizen Lab's category codes, with titles of our own and default risk tiers."""
    found = (
        Category(row.text("code"), row.text("title"), row.choice("risk", RISKS), row.countries("high_in"))
        for row in table_rows("categories.csv", "code,title,risk,high_in")
    )
    return MappingProxyType({category.code: category for category in found})


def default_risk(category: Category, countries: tuple[str, ...]) -> Risk:
    """Give the tier of an entry that names none: its category's, high where a country's law makes it so."""
    return "high" if set(category.high_in) & set(countries) else category.risk


def risk_in(target: Target, country: str) -> Risk:
    """Give a target's tier for someone in ``country`` (ISO 3166-1).

    The entry's own tier stands where it was judged for that country; elsewhere the law can raise it.
    """
    if country not in target.countries and country in categories()[target.category].high_in:
        return "high"
    return target.risk


@lru_cache(maxsize=1)
def resolvers() -> tuple[Resolver, ...]:
    """Give public resolvers to compare the line's own resolver with."""
    return tuple(
        Resolver(
            name=row.text("name"),
            ipv4=_addresses(row, "ipv4", 4),
            ipv6=_addresses(row, "ipv6", 6),
            do53=row.flag("do53"),
            dot=row.text("dot", ""),
            doh=url_in(row, "doh") if row.text("doh", "") else "",
            filtering=row.choice("filtering", cast(tuple[Filtering, ...], get_args(Filtering))),
            asn=row.number("asn") if row.text("asn", "") else 0,
            identity=_regex(row, "identity"),
            egress=_prefixes(row, "egress"),
            source=row.text("source"),
            note=row.text("note", ""),
        )
        for row in table_rows(
            "resolvers.csv", "name,ipv4,ipv6,do53,dot,doh,filtering,asn,identity,egress,source,note"
        )
    )


@lru_cache(maxsize=1)
def networks() -> tuple[Network, ...]:
    """Give the networks of the four countries, and the foreign carriers and clouds that matter to them."""
    return tuple(
        Network(
            asn=row.number("asn"),
            country=_one_country(row),
            name=row.text("name"),
            certain=row.flag("certain"),
            source=row.text("source"),
            note=row.text("note", ""),
        )
        for row in table_rows("networks.csv", "asn,country,name,certain,source,note")
    )


def _one_country(row: Row) -> str:
    codes = row.countries("country")
    if len(codes) != 1:
        raise row.error("country", f"{quote(' '.join(codes))} is not one country")
    return codes[0]


FINGERPRINT_COLUMNS = (
    "id,countries,where,pattern,scope,confidence,false_positive,first_seen,last_seen,source,note"
)


@lru_cache(maxsize=1)
def fingerprints() -> tuple[Fingerprint, ...]:
    """Give the signs of block pages and forged answers, those that mislead included."""
    return tuple(
        Fingerprint(
            id=row.text("id"),
            countries=row.countries(),
            where=row.choice("where", cast(tuple[Where, ...], get_args(Where))),
            pattern=_pattern(row),
            scope=row.choice("scope", cast(tuple[Scope, ...], get_args(Scope))),
            confidence=row.choice("confidence", cast(tuple[Confidence, ...], get_args(Confidence))),
            false_positive=row.flag("false_positive"),
            source=row.text("source"),
            note=row.text("note", ""),
            first_seen=_year(row, "first_seen"),
            last_seen=_year(row, "last_seen"),
        )
        for row in table_rows("fingerprints.csv", FINGERPRINT_COLUMNS)
    )


def _year(row: Row, field: str) -> str:
    value = row.text(field, "")
    if value and not (value.isascii() and value.isdigit() and len(value) == 4):
        raise row.error(field, f"{quote(value)} is not a year")
    return value


def _pattern(row: Row) -> str:
    if row.text("where") == "dns.a":
        return _addresses(row, "pattern", 4)[0]
    pattern = row.text("pattern")
    if row.text("where") == "http.sha1" and not _SHA1.fullmatch(pattern):
        raise row.error("pattern", f"{quote(pattern)} is not a SHA-1 digest in hex")
    return pattern


@lru_cache(maxsize=1)
def helpers() -> tuple[Helper, ...]:
    """Give the test helpers, in the order in which to try them."""
    return tuple(
        Helper(url_in(row, "url"), row.text("source")) for row in table_rows("helpers.csv", "url,source")
    )


@lru_cache(maxsize=1)
def beacons() -> tuple[Beacon, ...]:
    """Give the pages whose answer is known beforehand, for the check of the machine's own line."""
    return tuple(
        Beacon(url_in(row, "url"), row.number("status"), row.text("body", ""), row.text("source"))
        for row in table_rows("beacons.csv", "url,status,body,source")
    )


@lru_cache(maxsize=1)
def control_names() -> tuple[str, ...]:
    """Give names that nobody has a reason to block, in the order in which to use them as a control."""
    return tuple(row.text("name") for row in table_rows("controls.csv", "name,source"))
