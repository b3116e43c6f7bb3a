"""``locate`` and ``contrast`` measurements into rows: where a trigger is cut, on which ways a name is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from gatewatch.records import (
    Box,
    Contrast,
    ContrastEnd,
    LocateHop,
    Locus,
    Measurement,
    ResidualWait,
    decode,
)
from gatewatch.verdict.evidence import contrast as judged
from gatewatch_analysis.loading.plain import byte, flag, number, text, texts, whole

# A hunt for each layer and for two source ports of the last; whoever writes more writes nonsense.
_MOST_ROWS = 32
_UDP = ("dns", "quic")
_NO_BOX = Box(method="", address="")
_T = TypeVar("_T")


def loci(m: Measurement) -> Iterator[tuple[Any, ...]]:
    """Give the rows of ``Loci`` behind the vantage, run, start and input."""
    extra = m.test_keys.extra
    rows = _read(Box, extra.get("x_gatewatch_box"))
    boxes = {(text(box.method), text(box.address)): box for box in rows}
    for locus in _read(Locus, extra.get("x_gatewatch_locate")):
        box = boxes.get((text(locus.method), text(locus.address)))
        yield (
            text(locus.method),
            text(locus.name),
            text(locus.address),
            whole(locus.port),
            text(locus.signature),
            byte(locus.before),
            byte(locus.after),
            *_end(locus, "before"),
            *_end(locus, "after"),
            text(locus.place),
            number(locus.probability),
            whole(locus.triggers),
            text(locus.reason),
            number(locus.in_path),
            number(locus.copies_ttl),
            *_residual(locus, box),
            *_habits(box or _NO_BOX),
        )


def paths(m: Measurement) -> Iterator[tuple[str, str, bool, tuple[tuple[Any, ...], ...]]]:
    """Give the ways that ``locate`` has seen: destination, flow, whether it was reached, and its hops.

    A hop is TTL, address and least round-trip time: the packets that show it are those of one flow, so the
    way is a trace like any other.
    """
    for locus in _read(Locus, m.test_keys.extra.get("x_gatewatch_locate")):
        destination = text(locus.address)
        rows = tuple(
            (ttl, text(hop.address), number(hop.rtt))
            for hop in _all(LocateHop, locus.hops)
            if (ttl := byte(hop.ttl)) is not None
        )
        if destination is not None and rows:
            protocol = "udp" if text(locus.method) in _UDP else "tcp"
            flow = f"{protocol} {whole(locus.source_port)} {whole(locus.port)}"
            yield destination, flow, byte(locus.distance) is not None, rows


def contrasts(m: Measurement) -> Iterator[tuple[Any, ...]]:
    """Give the rows of ``Contrasts`` behind the vantage, run, start and input, one for each method tried."""
    raw = m.test_keys.extra.get("x_gatewatch_contrast")
    if not isinstance(raw, Mapping):
        return
    features = judged.evidence(m)
    rows = _all(ContrastEnd, decode(Contrast, dict(raw))[0].ends)
    ends = {text(end.place): end for end in rows}
    described: list[Any] = []
    for place in ("home", "abroad"):
        end = ends.get(place)
        described += (text(end.address), whole(end.asn) or None, text(end.country)) if end else (None,) * 3
    for method in judged.METHODS:
        conclusion = features[f"contrast_{method}"]
        if conclusion in judged.CONCLUSIONS:
            word = text(features[f"contrast_{method}_word"])
            yield method, conclusion, word, *described, text(features["contrast_missing"])


def _read(record: type[Any], rows: Any) -> Iterable[Any]:
    many = rows if isinstance(rows, list | tuple) else ()
    return (decode(record, dict(row))[0] for row in many[:_MOST_ROWS] if isinstance(row, Mapping))


def _all(record: type[_T], rows: Any) -> Iterator[_T]:
    """Give the records of a field that should hold nothing else."""
    return (row for row in (rows if isinstance(rows, list | tuple) else ()) if isinstance(row, record))


def _end(locus: Locus, side: str) -> tuple[Any, ...]:
    """Give address, network, country and exchange of an end of the link."""
    address, asn, country, ixp = (
        getattr(locus, f"{side}_{what}") for what in ("address", "asn", "country", "ixp")
    )
    return text(address), whole(asn) or None, text(country), text(ixp)


def _residual(locus: Locus, box: Box | None) -> tuple[float | None, float | None]:
    """How long blocks were seen to last at least, and at most, in s; reckoned as in deep mode."""
    if box is not None:
        return number(box.residual_least), number(box.residual_most)
    waits = list(_all(ResidualWait, locus.residual))
    still = [least for wait in waits if (least := number(wait.at_least)) is not None]
    gone = [most for wait in waits if (most := number(wait.at_most)) is not None]
    if still:
        return max(still), min(gone, default=None)
    # A control passed right before each trigger but the first.
    many = locus.signature and (whole(locus.triggers) or 0) > 1
    return (0.0, 0.0) if many else (None, None)


def _habits(box: Box) -> tuple[Any, ...]:
    """Give what deep mode saw of the packets that were injected."""
    payload = box.payload.hex() if isinstance(box.payload, bytes) and box.payload else None
    return (
        texts(box.flags),
        text(box.initial_ttl),
        text(box.ip_id),
        flag(box.dont_fragment),
        whole(box.window_least),
        whole(box.window_most),
        whole(box.packets_most) or None,
        payload,
        number(box.delay_median),
        texts(box.consistent_with),
    )
