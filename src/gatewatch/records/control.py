"""The test helper's protocol: what is asked of a control vantage, and the words in which it answers.

The protocol is OONI's (oohelperd).  Our helper, the lab's and the client all take their words from here.
oohelperd keeps, for DNS, TCP and HTTP, the spelling of its Python ancestor, so that ten years of answers
compare; its TLS failures are df-007's.  Source: ooni/probe-cli, internal/oohelperd and internal/model.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatewatch.records import failure as f

Json = dict[str, Any]

#: What a helper says to a GET.
HELLO: Final = {"message": "Hello OONItarian!"}
#: ip_info flags: who found an address, whether no public name can have it, whether its certificate is right.
BY_PROBE, BY_HELPER, BOGON, VALID = 1, 2, 4, 8
#: The request headers that a helper passes on to the site; others would let a stranger speak through it.
FORWARDED: Final = ("Accept", "Accept-Language", "User-Agent")
#: Requests in one chain of redirects (Go's net/http).
MAX_REDIRECTS: Final = 10
#: The port where TLS tells whether an address is the name's own.
TLS_PORT: Final = 443

# measurexlite: no longer titles (in characters, of 4 bytes at most), and none with attributes in its tag.
_LONGEST_TITLE = 512
_TITLE = re.compile(rb"<title>([^<]{1,2048})</title>", re.IGNORECASE)
_LOOKUP = frozenset(
    {
        f.DNS_NXDOMAIN,
        f.DNS_NO_ANSWER,
        f.DNS_NON_RECOVERABLE,
        f.DNS_REFUSED,
        f.DNS_MISBEHAVING,
        f.DNS_TEMPORARY,
        f.DNS_SERVFAIL,
    }
)
# Go's client takes them off: the first two describe what it has undone, the last is no field of the message.
_UNDONE = ("Content-Encoding", "Content-Length")


class BadQuestion(ValueError):
    """What was asked is no question to a helper; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the URL, the addresses that the probe found, headers for the site, QUIC or not."""

    url: str
    addresses: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    quic: bool = False


def question(value: Any) -> Question:
    """Read a request's JSON; raises :class:`BadQuestion`.

    Endpoints that are none are passed over, as oohelperd does; their ports do not count (:func:`ports`).
    """
    if not isinstance(value, dict):
        raise BadQuestion("the request is no JSON object")
    url = value.get("http_request")
    if not isinstance(url, str):
        raise BadQuestion("http_request is missing, or no string")
    endpoints = value.get("tcp_connect")
    if endpoints is not None and not isinstance(endpoints, list):
        raise BadQuestion("tcp_connect is no list")
    headers = value.get("http_request_headers")
    if headers is not None and not isinstance(headers, dict):
        raise BadQuestion("http_request_headers is no object")
    found = (address_of(e) for e in endpoints or () if isinstance(e, str))
    return Question(
        url=url,
        addresses=tuple(dict.fromkeys(a for a in found if a)),
        headers=tuple(_headers(headers or {})),
        quic=value.get("x_quic_enabled") is True,
    )


def _headers(given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    known = {name.lower(): name for name in FORWARDED}
    for name, values in given.items():
        if name.lower() not in known:
            continue
        texts = values if isinstance(values, list) else [values]
        if not all(isinstance(text, str) and text.isprintable() and text.isascii() for text in texts):
            raise BadQuestion(f"http_request_headers: {known[name.lower()]} holds what no header may")
        if texts:
            yield known[name.lower()], ", ".join(texts)


def address_of(endpoint: str) -> str:
    """Give the address of ``address:port``, "" for what is no endpoint."""
    host, colon, port = endpoint.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()):
        return ""
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return ""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return ""


def ports(scheme: str, port: int | None) -> tuple[int, ...]:
    """Give the ports that are tried at every address; ``port`` is the one written in the URL, or None.

    An http URL is tried on 443 as well, where TLS tells whether an address is the name's own.
    """
    if port is not None:
        return (port,)
    return (TLS_PORT,) if scheme == "https" else (80, TLS_PORT)


def written_port(url: str) -> int | None:
    """Give the port that is written in a URL, None where there is none (or none that is a number)."""
    netloc = url.partition("://")[2]
    netloc = re.split(r"[/?#]", netloc, maxsplit=1)[0]
    port = netloc.rpartition(":")[2] if netloc.rpartition("]")[2].count(":") else ""
    return int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else None


def name_failure(failure: str | None) -> str | None:
    """Say a lookup's failure in a helper's words; a name without addresses has none."""
    if failure is None or failure == f.DNS_NO_ANSWER:
        return None
    if failure == f.DNS_NXDOMAIN:
        return "dns_name_error"
    return "dns_server_failure" if failure in _LOOKUP else "unknown_error"


def connect_failure(failure: str | None) -> str | None:
    """Say a connect's failure in a helper's words."""
    if failure is None:
        return None
    if f.is_timeout(failure):
        return f.GENERIC_TIMEOUT
    return "connection_refused_error" if failure == f.CONNECTION_REFUSED else "connect_error"


def fetch_failure(failure: str | None) -> str | None:
    """Say a fetch's failure in a helper's words, whichever step of it failed."""
    if failure is None:
        return None
    if failure in _LOOKUP:
        return "dns_lookup_error"
    if f.is_timeout(failure):
        return f.GENERIC_TIMEOUT
    return "connection_refused_error" if failure == f.CONNECTION_REFUSED else "unknown_error"


def connected(failure: str | None) -> Json:
    """Write the outcome of a connect, from a df-007 failure."""
    return {"status": failure is None, "failure": connect_failure(failure)}


def shaken(server_name: str, failure: str | None) -> Json:
    """Write the outcome of a TLS or QUIC handshake; its failures are df-007's own."""
    return {"server_name": server_name, "status": failure is None, "failure": failure}


def not_fetched(failure: str) -> Json:
    """Write a fetch that failed, from a df-007 failure."""
    return {
        "body_length": -1,
        "discovered_h3_endpoint": "",
        "failure": fetch_failure(failure),
        "title": "",
        "headers": {},
        "status_code": -1,
    }


def fetched(status: int, headers: Sequence[tuple[str, str]], body: bytes, h3: str = "") -> Json:
    """Write a fetch that ended in a response; ``body`` as decompressed.

    ``h3`` is :func:`h3_endpoint` of the chain's first response.
    """
    return {
        "body_length": len(body),
        "discovered_h3_endpoint": h3,
        "failure": None,
        "title": title(body),
        "headers": _shown(headers),
        "status_code": status,
    }


def _shown(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give headers as Go's client shows them: canonical names, the first value of each."""
    shown: dict[str, str] = {}
    for name, value in headers:
        shown.setdefault("-".join(part.capitalize() for part in name.split("-")), value)
    if shown.get("Content-Encoding", "").lower() == "gzip":
        for name in _UNDONE:
            shown.pop(name, None)
    shown.pop("Transfer-Encoding", None)
    return shown


def title(body: bytes) -> str:
    """Give a page's title as oohelperd finds it, "" without one."""
    for found in _TITLE.finditer(body):
        text = found[1].decode("utf-8", "replace")
        if len(text) <= _LONGEST_TITLE:
            return text
    return ""


def h3_endpoint(headers: Sequence[tuple[str, str]], netloc: str) -> str:
    """Give the HTTP/3 endpoint that a response offers (Alt-Svc, RFC 7838), "" for none."""
    for name, value in headers:
        if name.lower() != "alt-svc":
            continue
        for entry in value.split(","):
            authority = entry.partition(";")[0].strip()
            if authority.startswith("h3="):
                host, colon, port = authority[3:].strip('"').rpartition(":")
                return f"{host or netloc.rpartition(':')[0] or netloc}:{port}" if colon else ""
        return ""
    return ""


def answer(
    *,
    names: tuple[Sequence[str], str | None],
    flags: Mapping[str, int],
    asns: Mapping[str, int],
    tcp: Mapping[str, Json],
    tls: Mapping[str, Json],
    http: Json,
    quic: Mapping[str, Json] | None = None,
) -> Json:
    """Write a whole answer; ``names`` are the addresses looked up and the df-007 failure."""
    addresses, failure = names
    return {
        "tcp_connect": dict(tcp),
        "tls_handshake": dict(tls),
        "quic_handshake": dict(quic or {}),
        "http_request": http,
        "http3_request": None,
        "dns": {"failure": name_failure(failure), "addrs": list(addresses)},
        "ip_info": {ip: {"asn": asns.get(ip, 0), "flags": flags[ip]} for ip in sorted(flags)},
    }


def well_formed(value: Any) -> bool:
    """Tell whether a value has the shape of an answer, as far as it must be relied on."""
    if not isinstance(value, dict):
        return False
    names, http = value.get("dns"), value.get("http_request")
    return (
        isinstance(names, dict)
        and isinstance(names.get("addrs"), list)
        and isinstance(http, dict)
        and isinstance(value.get("tcp_connect"), dict)
        and all(isinstance(value.get(key, {}), dict) for key in ("tls_handshake", "ip_info"))
    )
