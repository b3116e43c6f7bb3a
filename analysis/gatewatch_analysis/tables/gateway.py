"""Is there a gate: where triggers are cut, and what many of them come to."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, MEASUREMENT, REAL, TEXT, TIME, WHOLE, Column, Vantage


class Loci(Vantage):
    """A row per trigger that was located, or that was not to be."""

    title = "loci: a row per trigger that locate placed, or could not"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    start = Column(TIME, "when it began", "UTC", "measurement_start_time")
    input = Column(TEXT, "the target", "", "input")
    method = Column(TEXT, "what the trigger was: dns, syn, tls, http or quic", "", "x_gatewatch_locate")
    name = Column(TEXT, "the forbidden name that was sent; missing for syn", "", "x_gatewatch_locate")
    address = Column(TEXT, "the server it was sent to", "", "x_gatewatch_locate")
    port = Column(WHOLE, "its port", "", "x_gatewatch_locate")
    signature = Column(
        TEXT, "drop, reset, fin or answer; missing where nothing was met", "", "x_gatewatch_locate"
    )
    before = Column(WHOLE, "near end of the link; missing where none was found", "hops", "x_gatewatch_locate")
    after = Column(WHOLE, "far end of it", "hops", "x_gatewatch_locate")
    before_address = Column(TEXT, "router at the near end", "", "x_gatewatch_locate")
    before_asn = Column(WHOLE, "its network", "", "the probe's prefix table")
    before_country = Column(TEXT, "country its prefix is listed under", "", "the probe's prefix table")
    before_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "the probe's prefix table")
    after_address = Column(TEXT, "router at the far end", "", "x_gatewatch_locate")
    after_asn = Column(WHOLE, "its network", "", "the probe's prefix table")
    after_country = Column(TEXT, "country its prefix is listed under", "", "the probe's prefix table")
    after_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "the probe's prefix table")
    place = Column(
        TEXT,
        "access, domestic-shared, border, foreign, endpoint or unknown; missing without a link",
        "",
        "gatewatch.locus.label",
    )
    probability = Column(REAL, "that the filter is on this link", "0 to 1", "gatewatch.locus")
    triggers = Column(WHOLE, "triggers it took", "count", "x_gatewatch_locate")
    reason = Column(TEXT, "why no link was found", "", "x_gatewatch_locate")
    in_path = Column(REAL, "that it swallows the trigger", "0 to 1", "gatewatch.locus")
    copies_ttl = Column(
        REAL, "that it copies the trigger's TTL into what it forges", "0 to 1", "gatewatch.locus"
    )
    residual_least = Column(REAL, "how long a block was still seen after a trigger", "s", "residual waits")
    residual_most = Column(REAL, "after how long none was left", "s", "residual waits")
    flags = Column(TEXT, "TCP flags of what it injects, each kind once", "", "deep mode")
    initial_ttl = Column(
        TEXT, "what its packets set out with: 32, 64, 128, 255, varies or copied", "", "deep mode"
    )
    ip_id = Column(TEXT, "pattern of its IP IDs: zero, constant, incrementing or random", "", "deep mode")
    dont_fragment = Column(FLAG, "whether its packets have DF", "", "deep mode")
    window_least = Column(WHOLE, "smallest TCP window of its packets", "bytes", "deep mode")
    window_most = Column(WHOLE, "greatest", "bytes", "deep mode")
    packets = Column(WHOLE, "most packets for one trigger", "count", "deep mode")
    payload = Column(TEXT, "payload that all its resets have", "hex", "deep mode")
    delay_ms = Column(REAL, "median time from trigger to first packet", "ms", "deep mode")
    consistent_with = Column(TEXT, "known boxes it is consistent with", "", "boxes.csv")
    measurement = MEASUREMENT


class Contrasts(Vantage):
    """A row per name and way of sending it."""

    title = "contrasts: a row per name and way of sending it, at home and abroad"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    start = Column(TIME, "when it began", "UTC", "measurement_start_time")
    input = Column(TEXT, "the target whose name was sent", "", "input")
    method = Column(TEXT, "tls (as SNI), http (as Host) or dns (a question)", "", "x_gatewatch_contrast")
    conclusion = Column(
        TEXT,
        "foreign_only, both, domestic_only, neither or cannot_tell",
        "",
        "gatewatch.verdict.evidence.contrast",
    )
    word = Column(TEXT, "how the name was cut; missing where it was not", "", "x_gatewatch_contrast")
    home_address = Column(TEXT, "server at home, of another provider", "", "x_gatewatch_contrast")
    home_asn = Column(WHOLE, "its network", "", "the probe's prefix table")
    home_country = Column(TEXT, "country its prefix is listed under", "", "the probe's prefix table")
    abroad_address = Column(TEXT, "server abroad", "", "x_gatewatch_contrast")
    abroad_asn = Column(WHOLE, "its network", "", "the probe's prefix table")
    abroad_country = Column(TEXT, "country its prefix is listed under", "", "the probe's prefix table")
    missing = Column(TEXT, "why less was tried", "", "x_gatewatch_contrast")
    measurement = MEASUREMENT
