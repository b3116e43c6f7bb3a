"""The law where somebody measures: facts with sources; of most countries nothing is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from gatewatch.words import mark, say, worded

#: When the facts were last looked at, as a date that every language can read.
AS_OF = "2026-11"
#: The countries whose law is described.
KNOWN = ("KH", "NP", "TH", "MY")
UNKNOWN = mark("We do not know the law there. Ask somebody who does before you go on.")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line is from: what it says in English, and titles with addresses."""

    about: str
    where: tuple[str, ...]


def heading(country: str) -> str:
    """The heading in words: with the country's name where it is known."""
    from gatewatch_targets.countries import countries

    if country in KNOWN:
        return say("The law in {country}", country=worded(countries()[country].name))
    return say("The law where you are")


def lines(country: str) -> Iterator[str]:
    """Say what is known of the law and of what a volunteer risks, a line each."""
    from gatewatch_targets.countries import countries

    if country not in KNOWN:
        yield worded(UNKNOWN)
        return
    about = countries()[country]
    for law in about.laws:
        name, says = worded(law.name), worded(law.says)
        if law.since is None:
            yield say("{name}: {says}.", name=name, says=says)
        else:
            yield say("{name} (since {year}): {says}.", name=name, year=str(law.since)[:4], says=says)
    for risk in about.risks:
        yield say("Take care. {about}: {says}.", about=worded(risk.about), says=worded(risk.says))
    yield say("We are no lawyers, and laws change. This was written in {date}.", date=AS_OF)


def digest(country: str) -> str:
    """The SHA-256 of what is said of a country's law: who was shown another text is asked anew."""
    from gatewatch_targets.countries import countries

    if country not in KNOWN:
        return ""
    about = countries()[country]
    said = [f"{law.name}\t{law.since}\t{law.says}" for law in about.laws]
    said += [f"{risk.about}\t{risk.says}" for risk in about.risks]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def sources(country: str) -> Iterator[Source]:
    """Where the lines on a country are from."""
    from gatewatch_targets import sources as known
    from gatewatch_targets.countries import countries

    if country not in KNOWN:
        return
    table = known()
    about = countries()[country]
    rows = [(law.name, law.source) for law in about.laws] + [(r.about, r.source) for r in about.risks]
    for name, keys in rows:
        found = (table[key] for key in keys.split())
        yield Source(name, tuple(f"{each.title} {each.url or ''}".strip() for each in found))
