"""An emulated Cambodia over four months, as files that volunteers would have left: for the notebooks.

Nothing here was measured; every run says that it comes from the lab, so that no analysis takes it for the
real thing.  Its truth, which the notebooks find again:

- Six ISPs measure the same sites once a day.  Four of them block two sites all the time, each in its own way.
- On 13 February 2023 five of the six begin to block three more sites (the timeline's event ``kh-vod``).
- From 10 to 16 March one ISP is off the net; on 5 April all are, for the day.
- Five government sites move from a cloud abroad into the country on 20 March.
- Paths leave by each ISP's own link until 1 April, and by one network for all six after it, which
  hands them to another carrier abroad: China Unicom in Hong Kong in place of PCCW there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

FIRST, LAST = date(2023, 1, 1), date(2023, 4, 30)
ORDER, MOVED, REROUTED, SHUT = date(2023, 2, 13), date(2023, 3, 20), date(2023, 4, 1), date(2023, 4, 5)
OUTAGE = (date(2023, 3, 10), date(2023, 3, 16))


@dataclass(frozen=True, slots=True)
class Isp:
    """A provider of the emulated country: how it blocks, and whether it follows orders."""

    name: str
    asn: int
    way: str
    obeys: bool = True
    old_blocks: bool = True


ISPS = (
    Isp("Metfone", 38623, "dns.redirect"),
    Isp("Smart", 45498, "tls.reset"),
    Isp("Cellcard", 17976, "dns.nxdomain"),
    Isp("Cogetel", 23673, "dns.bogon"),
    Isp("Ezecom", 131178, "tcp.timeout", old_blocks=False),
    Isp("Free", 131207, "", obeys=False, old_blocks=False),
)
#: The one that is off the net for a week.
OFFLINE = "Cellcard"
OLD = ("https://www.cambodiadaily.com/", "https://monoroom.info/")
NEW = ("https://vodenglish.news/", "https://vodkhmer.news/", "https://www.ccimcambodia.org/")
OPEN = tuple(f"https://site-{n}.example/" for n in range(12))
DEAD = ("https://vodhotnews.com/",)
GOVERNMENT = tuple(f"https://ministry-{n}.gov.kh/" for n in range(5))
STATE = 17726

PREFIXES = "prefix,asn,country,name\n" + "".join(
    [f"103.{20 + n}.0.0/16,{isp.asn},KH,{isp.name}\n" for n, isp in enumerate(ISPS)]
    + [f"103.12.0.0/16,{STATE},KH,Telecom Cambodia\n", "63.218.0.0/16,3491,HK,PCCW Global\n"]
    + [
        "203.160.0.0/16,10099,HK,China Unicom Global\n",
        "104.16.0.0/13,13335,US,Cloudflare\n",
        "52.76.0.0/16,16509,SG,Amazon\n",
    ]
)


def write(folder: Path, *, seed: int = 1) -> Path:
    """Write one run folder per ISP; the same seed writes the same files."""
    rng = random.Random(seed)
    for number, isp in enumerate(ISPS):
        run = folder / f"kh-{isp.asn}"
        run.mkdir(parents=True, exist_ok=True)
        lab = {"scenario": "notebook", "isp": isp.name}
        about = {
            "vantage": {"country": "KH", "asn": f"AS{isp.asn}", "isp": isp.name},
            "state": "done",
            "lab": lab,
        }
        (run / "run.json").write_text(json.dumps(about))
        (run / "prefixes.csv").write_text(PREFIXES)
        with (run / "measurements.jsonl").open("w") as stream:
            for line in _lines(isp, number, rng):
                stream.write(json.dumps(line) + "\n")
    return folder


def _lines(isp: Isp, number: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    for n in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=n)
        silent = day == SHUT or (isp.name == OFFLINE and OUTAGE[0] <= day <= OUTAGE[1])
        for minute, site in enumerate((*OLD, *NEW, *OPEN, *DEAD, *GOVERNMENT)):
            yield _site(isp, day, minute, site, silent, rng)
        if not silent and n % 3 == 0:
            yield _trace(isp, number, day)


def _envelope(isp: Isp, day: date, minute: int) -> dict[str, Any]:
    start = f"{day} 0{2 + number_of(isp)}:{minute:02}:00"
    return {
        "data_format_version": "0.2.0",
        "measurement_start_time": start,
        "test_start_time": start,
        "probe_asn": f"AS{isp.asn}",
        "probe_cc": "KH",
        "probe_network_name": isp.name,
        "software_name": "gatewatch",
        "software_version": "0.1.0",
        "test_runtime": 1.0,
        "test_version": "0.1.0",
    }


def number_of(isp: Isp) -> int:
    """Which ISP it is."""
    return ISPS.index(isp)


def _site(isp: Isp, day: date, minute: int, site: str, silent: bool, rng: random.Random) -> dict[str, Any]:
    label = "ok"
    if silent:
        label = "inconclusive(no_control)"
    elif site in DEAD:
        label = "down"
    elif (site in OLD and isp.old_blocks) or (site in NEW and isp.obeys and day >= ORDER):
        # One in twenty of a filter's cases slips through, and one in fifty of the rest fails by itself.
        label = f"blocked({isp.way})" if rng.random() < 0.95 else "ok"
    elif rng.random() < 0.02:
        label = "inconclusive(no_control)"
    status, _, rest = label.partition("(")
    layer, _, method = rest.rstrip(")").partition(".") if status == "blocked" else ("", "", "")
    failing = "tcp.no_control" if label == "inconclusive(no_control)" else f"notebook.{label}"
    verdict: dict[str, Any] = {
        "status": status,
        "layer": layer or None,
        "method": method or None,
        "label": label,
        "rule": failing,
        "evidence": [],
        "confidence": 0.9,
    }
    return {
        **_envelope(isp, day, minute),
        "test_name": "web_connectivity",
        "input": site,
        "test_keys": {"queries": [] if silent else [_answer(site, day)]},
        "x_gatewatch_target": {
            "category": "GOVT" if site in GOVERNMENT else "NEWS",
            "risk": "low",
            "lists": [],
        },
        "x_gatewatch_verdict": verdict,
    }


def _answer(site: str, day: date) -> dict[str, Any]:
    """What the site's name resolved to: a government's move into the country."""
    host = site.split("/")[2]
    inside = site in GOVERNMENT and day >= MOVED
    address = f"103.12.1.{len(host) % 200 + 1}" if inside else f"52.76.1.{len(host) % 200 + 1}"
    return {
        "engine": "system",
        "query_type": "A",
        "hostname": host,
        "failure": None,
        "answers": [{"answer_type": "A", "ipv4": address, "ttl": None}],
    }


def _trace(isp: Isp, number: int, day: date) -> dict[str, Any]:
    own = f"103.{20 + number}.0.1"
    border = "103.12.0.1" if day >= REROUTED else f"103.{20 + number}.0.9"
    carrier = "203.160.10.5" if day >= REROUTED else "63.218.10.5"
    hops = [("192.168.1.1", 0.6), (own, 3.1), (border, 4.4), (carrier, 27.0), ("104.16.1.1", 31.0)]
    replies = [
        {"ttl": ttl, "address": a, "rtt": rtt, "icmp_type": 11} for ttl, (a, rtt) in enumerate(hops, 1)
    ]
    keys = {"protocol": "udp", "destination": "104.16.1.1", "reached": True, "replies": replies}
    return {**_envelope(isp, day, 50), "test_name": "trace", "input": "104.16.1.1", "test_keys": keys}
