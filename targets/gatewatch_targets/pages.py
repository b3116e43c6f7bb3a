"""The tables of docs/knowledge.md, written from the data so that the page cannot tell another story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .baselines import baselines
from .carriers import carriers
from .countries import Country, Stake, countries
from .events import events
from .inventory import inventory
from .model import Network
from .predictions import predictions
from .reference import sources


def inventory_markdown() -> str:
    """Every thing that the report names, with what answers it or why nothing can."""
    rows = (
        (item.id, item.name, item.measurable, " ".join(map(str, item.answered_by)), item.why)
        for item in inventory()
    )
    return _table(("id", "what", "measurable", "answered by", "why, or why not"), rows)


def countries_markdown() -> str:
    """Each country: providers, ways out, exchanges, resolvers, laws and risks."""
    return "\n".join(_country(country) for country in countries().values())


def _country(country: Country) -> str:
    isps = (
        (isp.name, _numbers(isp.networks), isp.access, "; ".join(map(_stake, isp.stakes)), isp.note)
        for isp in country.isps
    )
    ways = (
        (way.name, way.status, str(way.since or ""), ", ".join(way.operators), way.note)
        for way in country.gateways
    )
    exchanges = ((e.name, _numbers(e.networks), " ".join(e.prefixes)) for e in country.exchanges)
    resolvers = ((r.isp, " ".join(r.addresses), r.role, r.confidence, r.note) for r in country.resolvers)
    laws = ((law.name, str(law.since or ""), law.says, _linked(law.source)) for law in country.laws)
    risks = ((risk.about, risk.says, _linked(risk.source)) for risk in country.risks)
    parts = [
        f"### {country.name}\n\n{country.regulator}; {country.ministry}.\n",
        _table(("provider", "networks", "access", "states with a part", "note"), isps),
        _table(("way out", "status", "since", "who", "note"), ways),
        _table(("exchange", "networks", "peering network"), exchanges),
        _table(("resolver of", "addresses", "role", "confidence", "note"), resolvers),
        _table(("law", "since", "says", "source"), laws),
        _table(("what a volunteer should know", "", "source"), risks),
    ]
    return "\n".join(part for part in parts if part)


def _stake(stake: Stake) -> str:
    share = f", {stake.share:g} %" if stake.share is not None else ""
    when = f" ({stake.as_of})" if stake.as_of else ""
    return f"{stake.state}: {stake.holder}{share}{when}"


def carriers_markdown() -> str:
    """Carriers by number and exact name."""
    rows = (
        (each.name, each.kind, each.group, each.home, _numbers(each.networks), ", ".join(each.aliases))
        for each in carriers().values()
    )
    return _table(("carrier", "kind", "group", "seat", "networks", "other names, exactly so"), rows)


def events_markdown() -> str:
    """The timeline."""
    rows = (
        (
            f"{event.start}{f' to {event.end}' if event.end else ' on' if event.is_open else ''}",
            " ".join(event.countries),
            event.kind,
            event.text,
            f"{event.expects}: {event.signal}",
            event.confidence,
            _linked(event.source),
        )
        for event in events()
    )
    return _table(("when", "where", "kind", "what", "expected", "confidence", "source"), rows)


def baselines_markdown() -> str:
    """How one order was carried out, network by network."""
    rows = (
        (
            each.network.country,
            f"AS{each.network.asn} {each.network.name}",
            each.host,
            f"{each.first} to {each.last}",
            " ".join(each.methods) or "not blocked",
            each.confidence,
            each.note,
        )
        for each in baselines()
    )
    return _table(("where", "network", "host", "when", "methods", "confidence", "note"), rows)


def predictions_markdown() -> str:
    """What was predicted, and what would speak against it."""
    rows = (
        (each.id, str(each.registered), each.after, each.claim, each.measure, each.expected, each.against)
        for each in predictions().values()
    )
    heading = ("id", "registered", "after", "claim", "measure", "speaks for it", "speaks against it")
    return _table(heading, rows)


def _numbers(found: Iterable[Network]) -> str:
    return " ".join(f"AS{network.asn}{'' if network.certain else '?'}" for network in found)


def _linked(keys: str) -> str:
    """Source keys as links, where they have an address."""
    known = sources()
    return " ".join(f"[{key}]({known[key].url})" if known[key].url else key for key in keys.split())


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows]
    if not body:
        return ""
    return f"| {' | '.join(heading)} |\n|{'---|' * len(heading)}\n" + "".join(body)
