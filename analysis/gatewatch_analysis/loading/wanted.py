"""Which measurements are asked for: by country and by day, the two by which datasets are cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Countries (ISO 3166-1 alpha-2; None: all), and the first and the last day (UTC; None: no bound).

    A measurement without a time is wanted only where no day is asked for.
    """

    countries: frozenset[str] | None = None
    since: date | None = None
    until: date | None = None

    def country(self, code: str) -> bool:
        """Tell whether a country is wanted."""
        return self.countries is None or code in self.countries

    def day(self, day: date | None) -> bool:
        """Tell whether a day is wanted."""
        if day is None:
            return self.since is None and self.until is None
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    def __call__(self, code: str, start: datetime | None) -> bool:
        """Tell whether a measurement is wanted."""
        return self.country(code) and self.day(None if start is None else start.date())


#: No filter.
ALL = Wanted()
