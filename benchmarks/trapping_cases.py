"""Every trap with the probe that meets it: the seconds it may take, and the verdicts that would be right.

A server that is hostile to everybody is down, odd or its own business; a box on the path that forges is what
it is.  Nothing here may be called blocked but what somebody on the path did.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.trapping import HELPER, SECONDS, Case
from gatewatch.lab.country.traps import TRAPS
from gatewatch.net.residual import LONGEST
from gatewatch.net.wire import Limits
from gatewatch_probes.visit.control import OVERLAP

LIMITS = Limits()
#: Lookups, round trips and the comparison of names, around whatever takes its whole time.
AROUND = 4.0
ONCE = LIMITS.transfer + AROUND
TWICE = 2 * LIMITS.transfer + LIMITS.pause + AROUND
CHAIN = LIMITS.way + LIMITS.transfer + LIMITS.handshake + AROUND
QUICK = 2 * AROUND
#: A hunt that finds nothing is made twice, from two source ports, and waits for the hunts of another target.
HUNTS = 5 * QUICK
#: What a hunt may take whose control never passes: what was left behind before it would be over by then.
NEVER = LONGEST + 3 * AROUND

# Probes whose controls go to a neutral server that all targets share.
_QUEUING = ("quic", "sni", "throttle", "app", "middlebox")

#: The server is down for everybody, or does something odd to everybody.
DOWN = ("down",)
#: A page came: what it is worth is another matter.
PAGE = ("ok", "server_side", "inconclusive")
#: A hop's redirect leads where nobody may go: as a portal's would, or a broken site's.
LED = ("down", "inconclusive")


class Row(NamedTuple):
    """A case, its budget in seconds, how the verdict's label may begin; ``shared``: what others may wait.

    Others wait for what is theirs, too: a helper that is asked about every target, the neutral server where
    some probes send their controls one after another, in whatever order they come, and the hunts of locate,
    of which one is under way at a time.
    """

    case: Case
    seconds: float
    right: tuple[str, ...]
    shared: float = 0.0


def _at(label: str, scheme: str = "http", probe: str = "web") -> Case:
    return Case(probe, f"{scheme}://{label}.lab-trap.net/")


def _servers() -> dict[str, Row]:
    rows = {}
    for label in TRAPS:
        if label.startswith("to-"):
            rows[label] = Row(_at(label), QUICK, LED)
        elif label.startswith("redirect-") or label in ("loop", "pool", "cookies"):
            slow = label in ("redirect-slow", "redirect-to-silence")
            rows[label] = Row(_at(label), CHAIN if slow else 3 * AROUND, LED)
        elif label.startswith("tls-"):
            waits = TWICE if label in ("tls-silent", "tls-dribble") else QUICK
            rows[label] = Row(_at(label, "https"), waits, DOWN)
        elif label.startswith("certificate-"):
            rows[label] = Row(_at(label, "https"), QUICK, DOWN)
        elif label.startswith("quic-"):
            waits = 4 * LIMITS.handshake + AROUND if label == "quic-retry" else QUICK
            rows[label] = Row(_at(label, "https", "quic"), waits, ("inconclusive",))
        elif label.startswith("json-"):
            helpers = (f"https://{label}.lab-trap.net/", HELPER)
            case = Case("web", "https://innocent.org/", helpers=helpers)
            waits = OVERLAP + AROUND if label == "json-dribble" else AROUND
            rows[label] = Row(case, waits, ("ok",), shared=waits)
        elif label in ("silent", "head-dribble"):
            rows[label] = Row(_at(label), TWICE, DOWN)
        elif label in ("body-dribble", "body-sand"):
            rows[label] = Row(_at(label), ONCE, DOWN)
        else:
            rows[label] = Row(_at(label), QUICK, (*PAGE, *DOWN))
    return rows


def _boxes() -> dict[str, Row]:
    def named(method: str, seconds: float, *right: str, probe: str = "web") -> Row:
        return Row(Case(probe, f"https://{method}.net/", "names"), seconds, right)

    def sent(isp: str, probe: str, seconds: float, *right: str, name: str = "innocent.org") -> Row:
        return Row(Case(probe, f"https://{name}/", isp), seconds, right)

    carried = LIMITS.system_lookup + LIMITS.carried + AROUND
    return {
        "dns pointer-loop": named("pointer-loop", QUICK, "inconclusive"),
        "dns garbage": named("garbage", QUICK, "inconclusive"),
        "dns truncated": named("truncated", QUICK, "ok"),
        "dns wrong-id": named("wrong-id", QUICK, "ok"),
        # Forged answers with addresses of others, or with none, are a block.
        "dns many-records": named("many-records", QUICK, "blocked(dns.redirect)"),
        "dns cname-chain": named("cname-chain", QUICK, "blocked(dns.nxdomain)"),
        "dns late-flood": named("late-flood", QUICK, "blocked(dns.injected)"),
        "dns late-flood, resolve": named("late-flood", QUICK, "ok", probe="resolve"),
        # Every plain question about the name is dropped: that is one, too, and what carries it dribbles.
        "carriers dribble": sent(
            "carriers", "web", carried, "blocked(dns.timeout)", name="only-encrypted.net"
        ),
        "carriers answer 65 KB": sent(
            "answers", "web", carried, "blocked(dns.timeout)", name="only-encrypted.net"
        ),
        "icmp expired, web": sent("icmp-expired", "web", QUICK, "ok"),
        "icmp foreign, web": sent("icmp-foreign", "web", QUICK, "ok"),
        "icmp unreachable, web": sent("icmp-unreachable", "web", QUICK, "ok"),
        "icmp expired, trace": sent("icmp-expired", "trace", 2 * ONCE, ""),
        "icmp foreign, trace": sent("icmp-foreign", "trace", 2 * ONCE, ""),
        "icmp unreachable, trace": sent("icmp-unreachable", "trace", 2 * ONCE, ""),
        # The control never passes, and is asked for as long as a residual block may last.
        "icmp expired, locate": sent("icmp-expired", "locate", NEVER, "inconclusive")._replace(shared=NEVER),
        "icmp foreign, locate": sent("icmp-foreign", "locate", HUNTS, "inconclusive"),
        "icmp unreachable, locate": sent("icmp-unreachable", "locate", HUNTS, "inconclusive"),
        "icmp unreachable, quic": sent("icmp-unreachable", "quic", QUICK, "inconclusive"),
    }


def _more() -> dict[str, Row]:
    """The same servers, met by other probes and by other ways."""
    dribbling = 6 * LIMITS.transfer + AROUND
    return {
        "tls-hello-requests, handshake": Row(
            _at("tls-hello-requests", "https", "handshake"), QUICK, ("inconclusive",)
        ),
        "tls-dribble, handshake": Row(_at("tls-dribble", "https", "handshake"), ONCE, ("inconclusive",)),
        "bomb-10-gb, fetch": Row(_at("bomb-10-gb", "https", "fetch"), QUICK, ("ok",)),
        "redirect-slow, fetch": Row(_at("redirect-slow", "https", "fetch"), CHAIN, ("ok",)),
        "head-dribble, middlebox": Row(_at("head-dribble", "http", "middlebox"), dribbling, ("ok",)),
        "interim, middlebox": Row(_at("interim", "http", "middlebox"), QUICK, ("ok",)),
        "body-dribble, throttle": Row(_at("body-dribble", "https", "throttle"), dribbling, ("ok",)),
        "tls-dribble, sni": Row(_at("tls-dribble", "https", "sni"), SECONDS, ("inconclusive",)),
        "tls-dribble, locate": Row(
            _at("tls-dribble", "https", "locate"), HUNTS, ("inconclusive",), shared=2 * ONCE
        ),
        # The longest way, and nobody to ask: everything that is tried besides takes its whole time, too.
        "redirect-to-silence, alone": Row(
            _at("redirect-to-silence")._replace(helpers=()), SECONDS, ("inconclusive",)
        ),
        "silent, alone": Row(_at("silent")._replace(helpers=()), SECONDS, ("inconclusive",)),
        "tls-dribble, alone": Row(
            _at("tls-dribble", "https")._replace(helpers=()), SECONDS, ("inconclusive",)
        ),
        # A box takes them from whoever asks, and the helper is none of those: a block.
        "app telegram, silent": Row(
            Case("app", "https://web.telegram.org/", "app"), SECONDS, ("blocked(http.timeout)",)
        ),
        "app dns over tls, dribbling": Row(
            Case("app", "https://one.one.one.one/", "carriers"), SECONDS, ("blocked(tls.timeout)",)
        ),
        "a host of another name": Row(Case("web", "https://exploding-news.com/"), QUICK, ("ok",)),
    }


#: By name.
ROWS: dict[str, Row] = {
    name: row._replace(shared=row.shared or (AROUND if row.case.probe in _QUEUING else 0.0))
    for name, row in {**_servers(), **_boxes(), **_more()}.items()
}
