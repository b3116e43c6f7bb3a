"""DNS over HTTPS (RFC 8484) on the public resolvers, GET and POST; other paths are their web site."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from gatewatch.lab.servers.dns import Resolver
from gatewatch.lab.servers.http import Handler, Reply, Request

_TYPE = "application/dns-message"


def _message(request: Request) -> bytes:
    """The DNS message a request carries; raises ValueError when it carries none."""
    if request.method == "POST":
        if request.headers.get("content-type") != _TYPE:
            raise ValueError("wrong content type")
        return request.body
    encoded = parse_qs(request.target.partition("?")[2])["dns"][0]
    # RFC 8484 4.1: base64url without padding.
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)


def doh(resolver: Resolver, site: Handler) -> Handler:
    """Give the handler of a resolver's web server."""

    def respond(request: Request) -> Reply:
        if request.scheme != "https" or request.target.partition("?")[0] != "/dns-query":
            return site(request)
        try:
            answer = resolver.answer(_message(request), request.address)
        except (KeyError, ValueError, binascii.Error):
            answer = b""
        if not answer:
            return Reply(400)
        return Reply(200, (("Content-Type", _TYPE), ("Cache-Control", "max-age=60")), answer)

    return respond
