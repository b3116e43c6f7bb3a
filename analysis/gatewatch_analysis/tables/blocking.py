"""What is blocked: the matrix of ISPs and targets, and its counts."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, WHOLE, Column, Table, Vantage


class Verdicts(Vantage):
    """A row per ISP and target."""

    title = "matrix: a row per ISP and target"
    input = Column(
        TEXT, "the target; with the test's name, where it asked for no page", "", "measurements.input"
    )
    host = Column(TEXT, "its host", "", "measurements.host")
    category = Column(TEXT, "its category", "Citizen Lab code", "measurements.category")
    label = Column(
        TEXT,
        "ok, down, blocked(tls.reset), inconclusive(no_control), ...",
        "",
        "the commonest among the repeats",
    )
    status = Column(TEXT, "the verdict's status", "", "the commonest among the repeats that decide")
    layer = Column(TEXT, "the verdict's layer", "", "measurements.layer")
    method = Column(TEXT, "the verdict's method", "", "measurements.method")
    rule = Column(TEXT, "rule of the most confident repeat that agrees", "", "measurements.rule")
    confidence = Column(REAL, "mean over the repeats that agree", "0 to 1", "measurements.confidence")
    repeats = Column(WHOLE, "measurements of this target on this ISP", "count", "measurements")
    agree = Column(WHOLE, "of which bear this label", "count", "measurements")
    dead = Column(FLAG, "the site is dead on every ISP: never counted as blocked", "", "everywhere_down")


class Dead(Table):
    """A row per target that is dead everywhere."""

    title = "everywhere_down: a row per target that is dead on every ISP"
    lab = Column(FLAG, "measured in the lab", "", "matrix")
    input = Column(TEXT, "the target", "", "matrix")
    isps = Column(WHOLE, "ISPs that tested it", "count", "matrix")
    down = Column(WHOLE, "ISPs that found it down", "count", "matrix")
    blocked = Column(WHOLE, "ISPs whose verdict was a block that a dead site looks like", "count", "matrix")


class Share(Table):
    """How many are blocked, with an interval."""

    decided = Column(WHOLE, "targets that tell: ok, tampered, blocked or server_side", "count", "matrix")
    blocked = Column(WHOLE, "targets blocked", "count", "matrix")
    share = Column(REAL, "blocked / decided", "0 to 1", "matrix")
    low = Column(REAL, "lower end of the 95 % interval of the share", "0 to 1", "Wilson 1927")
    high = Column(REAL, "upper end of it", "0 to 1", "Wilson 1927")


class ByIsp(Share, Vantage):
    """A row per ISP."""

    title = "by_isp: a row per ISP"
    measurements = Column(WHOLE, "judged measurements", "count", "matrix")
    measured = Column(WHOLE, "targets measured", "count", "matrix")
    ok = Column(WHOLE, "targets reachable and untouched", "count", "matrix")
    tampered = Column(WHOLE, "targets reachable but touched", "count", "matrix")
    down = Column(WHOLE, "targets down, those dead on every ISP included", "count", "matrix")
    server_side = Column(WHOLE, "targets refused by the server itself", "count", "matrix")
    inconclusive = Column(WHOLE, "targets of which nothing can be said", "count", "matrix")


class ByLayer(Vantage):
    """A row per ISP, layer and method."""

    title = "by_layer: a row per ISP and blocking method"
    layer = Column(TEXT, "layer of the blocking", "", "matrix")
    method = Column(TEXT, "method of the blocking", "", "matrix")
    targets = Column(WHOLE, "targets blocked so", "count", "matrix")
    share = Column(REAL, "of the targets blocked on this ISP", "0 to 1", "matrix")


class ByCategory(Share, Vantage):
    """A row per ISP and category."""

    title = "by_category: a row per ISP and category"
    category = Column(TEXT, "category, or none", "Citizen Lab code", "matrix")
    measured = Column(WHOLE, "targets measured", "count", "matrix")
