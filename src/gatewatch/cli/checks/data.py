"""Data sets of others and their age; without any everything works, with less."""

from __future__ import annotations

from datetime import UTC, datetime

from gatewatch.cli.checks.check import Check
from gatewatch.words import phrase

# Where the configuration does not know a data set: a quarter, in which address blocks move noticeably.
_DAYS = 90


def checks() -> list[Check]:
    """Look at what `gatewatch update` has fetched."""
    from gatewatch.update import Shelf, datasets
    from gatewatch_targets import DataError

    what = phrase("data")
    try:
        known = datasets()
    except (DataError, OSError) as error:
        wrong = phrase("the configuration of updates cannot be read")
        advice = phrase("Mend or remove the file update.toml; docs/update.md describes it.")
        return [Check(what, False, wrong, advice, detail=str(error))]
    shelf, now = Shelf(), datetime.now(UTC)
    here = list(shelf.everything())
    if not here:
        none = phrase("none of others is here; {command} fetches some", command="gatewatch update")
        return [Check(what, True, none)]
    rows = []
    for found in here:
        age = found.age(now)
        days = known[found.name].days if found.name in known else _DAYS
        whole = shelf.whole(found)
        finding = phrase(
            "{entries} entries of {date}, fetched {days} days ago",
            entries=f"{found.entries:,}",
            date=found.date[:10],
            days=f"{age:.0f}",
        )
        rows.append(
            Check(
                phrase("data {name}", name=found.name),
                whole and age <= days,
                finding if whole else phrase("damaged, and not used"),
                phrase("Fetch it again: {command}", command=f"gatewatch update {found.name}"),
            )
        )
    return rows
