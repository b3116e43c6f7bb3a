"""One question to the helper, from its JSON to the answer's: names, endpoints and the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from gatewatch.helper.fetch import fetch
from gatewatch.helper.way import Way
from gatewatch.net import url as urls
from gatewatch.net.address import endpoint, is_address, is_bogon
from gatewatch.records import control
from gatewatch.records.control import BadQuestion, Json, Question
from gatewatch_targets import url as spelling

#: Gives the AS number of an address, 0 where it is not known.
AsnOf = Callable[[str], int]


class Refused(BadQuestion):
    """The question is one, and its destination is none that the helper goes to."""


def _unknown(_: str) -> int:
    return 0


class Measurer:
    """Answers questions; one for all."""

    def __init__(self, way: Way, asn_of: AsnOf = _unknown) -> None:
        self._way = way
        self._asn_of = asn_of

    async def measure(self, value: Any) -> Json:
        """Measure what a request's JSON asks for; raises :class:`BadQuestion` or :class:`Refused`."""
        question = control.question(value)
        url = self._checked(question.url)
        names: tuple[tuple[str, ...], str | None] = ((), None)
        if not is_address(url.host):
            names = await self._way.look_up(url.host)
        task = _Task(self._way, url, question, names)
        http: list[Json] = []

        async def get() -> None:
            http.append(await fetch(self._way, url, question.headers))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(get)
            for address in task.addresses:
                for port in task.ports:
                    nursery.start_soon(task.endpoint, address, port)
                if question.quic and self._way.speaks_quic:
                    nursery.start_soon(task.quic_endpoint, address, task.ports[-1])
        answer = control.answer(
            names=names,
            flags=task.flags,
            asns={address: self._asn_of(address) for address in task.flags},
            tcp=dict(sorted(task.tcp.items())),
            tls=dict(sorted(task.tls.items())),
            quic=dict(sorted(task.quic.items())),
            http=http[0],
        )
        if task.refused:
            answer["x_gatewatch_refused"] = dict(sorted(task.refused.items()))
        return answer

    def _checked(self, text: str) -> urls.Url:
        """Read the URL; raises :class:`BadQuestion` for none, :class:`Refused` for one not to be visited."""
        if "://" not in text:
            raise BadQuestion("http_request is no http or https URL")
        try:
            url = urls.parse(text)
        except ValueError as error:
            raise BadQuestion(f"http_request: {error}") from None
        refused = self._way.guard.port(url.port)
        if refused is None and is_address(url.host):
            refused = self._way.guard.address(url.host)
        elif refused is None and not spelling.parse(str(url), urls.LONGEST).is_public:
            refused = "the host is no public name"
        if refused is not None:
            raise Refused(f"http_request: {refused}")
        return url


class _Task:
    """The endpoints of one question, and what became of each."""

    def __init__(
        self, way: Way, url: urls.Url, question: Question, names: tuple[tuple[str, ...], str | None]
    ) -> None:
        self._way = way
        self._name = url.host
        self.ports = control.ports(url.scheme, control.written_port(question.url))
        self.tcp: dict[str, Json] = {}
        self.tls: dict[str, Json] = {}
        self.quic: dict[str, Json] = {}
        self.refused: dict[str, str] = {}
        flags: dict[str, int] = {}
        # The helper's own come first: they must not be pushed out by what a probe was lied to about.
        for address in names[0]:
            flags[address] = control.BY_HELPER
        for address in question.addresses:
            flags[address] = flags.get(address, 0) | control.BY_PROBE
        self.flags = {
            address: flag | (control.BOGON if is_bogon(address) else 0)
            for address, flag in list(flags.items())[: way.limits.addresses]
        }
        for address in self.flags:
            refusal = None if self.flags[address] & control.BOGON else way.guard.address(address)
            if refusal is not None:
                self.refused[address] = refusal

    @property
    def addresses(self) -> list[str]:
        """What is connected to: no bogons, nothing refused, no family that this machine has no way to."""
        return [
            address
            for address, flag in self.flags.items()
            if not flag & control.BOGON and address not in self.refused and self._way.guard.reachable(address)
        ]

    async def endpoint(self, address: str, port: int) -> None:
        """Connect to one endpoint, and shake hands on 443."""
        where = endpoint(address, port)
        tcp, failure = await self._way.connect(address, port)
        self.tcp[where] = control.connected(failure)
        if tcp is None:
            return
        if port != control.TLS_PORT:
            tcp.close()
            return
        tls, failure = await self._way.shake_hands(tcp, self._name)
        self.tls[where] = control.shaken(self._name, failure)
        if tls is not None:
            tls.close()
            self.flags[address] |= control.VALID

    async def quic_endpoint(self, address: str, port: int) -> None:
        """Shake hands over QUIC, at the TLS port or the URL's own."""
        failure = await self._way.shake_hands_over_quic(address, port, self._name)
        self.quic[endpoint(address, port)] = control.shaken(self._name, failure)
