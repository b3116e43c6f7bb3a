"""What the evidence comes to: weights, a posterior, an answer, and what would decide it."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, WHOLE, Column
from gatewatch_analysis.tables.evidence import Country

_FIT = "likelihood, against the class that it fits best"


class Weighed(Country):
    """A row per country and piece of evidence."""

    title = "weighed: a row per country and piece of evidence"
    piece = Column(TEXT, "which: interference, places, contrast, mechanisms, ...", "", "calibration.toml")
    seen = Column(TEXT, "what was seen, in words and counts", "", "tables of evidence")
    temper = Column(REAL, "exponent that its likelihoods have here", "0 to 1", "calibration.toml")
    none = Column(REAL, f"no order carried out: {_FIT}", "0 to 1", "calibration.toml")
    ordered = Column(REAL, f"ordered, per ISP: {_FIT}", "0 to 1", "calibration.toml")
    central = Column(REAL, f"centrally managed and distributed: {_FIT}", "0 to 1", "calibration.toml")
    gateway = Column(REAL, f"gateway: {_FIT}", "0 to 1", "calibration.toml")
    upstream = Column(REAL, f"upstream leak: {_FIT}", "0 to 1", "calibration.toml")
    not_identifiable = Column(REAL, f"not identifiable: {_FIT}", "0 to 1", "calibration.toml")


class Posterior(Country):
    """A row per country and class."""

    title = "posterior: a row per country and class"
    kind = Column(TEXT, "none, ordered, central, gateway, upstream, not identifiable", "", "calibration.toml")
    prior = Column(REAL, "probability before any evidence", "0 to 1", "calibration.toml")
    probability = Column(REAL, "probability after it", "0 to 1", "weighed")


class Answers(Country):
    """A row per country."""

    title = "answers: a row per country"
    answer = Column(TEXT, "one of the classes, or undetermined", "", "posterior and rules")
    leaning = Column(TEXT, "the most probable class", "", "posterior")
    probability = Column(REAL, "its probability", "0 to 1", "posterior")
    isps = Column(WHOLE, "ISPs measured", "count", "units")
    units = Column(WHOLE, "of which do not hang together", "count", "units")
    located = Column(WHOLE, "ISPs whose interference was placed", "count", "places")
    contrasted = Column(WHOLE, "affected ISPs with a contrast", "count", "contrast_by_isp")
    identifiable = Column(FLAG, "whether a gate could be told from a common way out", "", "identifiable")
    why = Column(TEXT, "why it is undetermined; missing where it is not", "", "rules")


class Steps(Country):
    """A row per country and possible next measurement."""

    title = "steps: a row per country and possible next measurement, the most telling first"
    step = Column(TEXT, "what to measure", "", "")
    on = Column(TEXT, "on which ISPs; missing where any will do", "", "tables of evidence")
    bits = Column(REAL, "expected gain of information about the class", "bits", "calibration.toml")
    open_bits = Column(REAL, "what is open now: the posterior's entropy", "bits", "posterior")
    outcomes = Column(TEXT, "likely outcomes, and what would lead after each", "", "calibration.toml")
