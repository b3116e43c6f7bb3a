"""Interception of TLS: a box that answers the ClientHello itself, with certificates of its own authority.

As in Kazakhstan in 2019 (Raman et al., IMC 2020, "Investigating Large Scale HTTPS Interception in
Kazakhstan"): the handshake of TCP is the server's, the ClientHello with a chosen SNI is answered by the box,
and the certificate holds the real name, signed by a root that no trust store knows.
"""

from __future__ import annotations

from gatewatch.lab.apps import Connection, Internet, StreamApp
from gatewatch.lab.boxes.flow import Unclear
from gatewatch.lab.boxes.page import markup
from gatewatch.lab.boxes.sni import server_name
from gatewatch.lab.boxes.takeover import Hijacker
from gatewatch.lab.country import scenario
from gatewatch.lab.servers.http import HttpStream, Reply, Request
from gatewatch.lab.servers.tls import Authority, Certificate


class TlsMitm(Hijacker):
    """Steps into the server's place when a ClientHello names a chosen host."""

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._made: Authority | None = None  # a key and a root take 1 ms, and most boxes never need them

    @property
    def authority(self) -> Authority:
        """The box's own certificate authority."""
        if self._made is None:
            self._made = Authority(
                lambda address, sni: Certificate((sni or address,), brief=True), organization="National Trust"
            )
        return self._made

    def name(self, start: bytes) -> str | Unclear:
        """Read the SNI."""
        return server_name(start)

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Shake hands, and show whoever accepts the certificate the box's page."""

        def respond(request: Request) -> Reply:
            return Reply(200, (("Content-Type", "text/html"),), markup(self.description))

        return self.authority.serve(connection, lambda plain: HttpStream(plain, respond, scheme="https"))
