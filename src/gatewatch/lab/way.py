"""The way to one destination, compiled: delays in seconds, addresses in bytes, the boxes that watch a port.

Everything that can be decided once per destination is decided here, so that the engine's hot path only
looks up.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes import Box, build
from gatewatch.lab.scenario import Hop, Path, Scenario

# Sends a packet towards the client: packet, hops it passes on its way, when it leaves and how long it
# travels.
Launch = Callable[[bytes, int, float, float], None]
Arrive = Callable[[bytes, "Way", float], None]


class Stand:
    """A box where it stands on one way: the hop, and the wire it may write to."""

    __slots__ = ("_arrive", "_back", "_launch", "_way", "hop", "inspect", "now")

    def __init__(self, box: Box, way: Way, launch: Launch, arrive: Arrive) -> None:
        self.hop = box.hop
        self.inspect = box.inspect
        self.now = 0.0  # when the inspected packet left the client
        self._way, self._launch, self._arrive = way, launch, arrive
        # The packet has travelled to the box, and the answer travels as far.
        self._back = 2 * (way.delays[box.hop - 1] if box.hop <= way.length else way.delay)

    def to_client(self, packet: bytes) -> None:
        """Send a packet back from here."""
        self._launch(packet, self.hop - 1, self.now, self._back)

    def to_server(self, packet: bytes) -> None:
        """Send a packet on; it arrives when the inspected one would have."""
        self._arrive(packet, self._way, self.now + self._way.delay)


class Way:
    """One destination: its routers, the one-way delay to the server, whether anybody is there."""

    __slots__ = (
        "_boxes",
        "_exists",
        "_launch_arrive",
        "address",
        "delay",
        "delays",
        "length",
        "routers",
        "watch",
    )

    def __init__(
        self,
        address: str,
        path: Path,
        boxes: Sequence[Box],
        exists: Callable[[], bool],
        launch: Launch,
        arrive: Arrive,
    ) -> None:
        self.address = address
        self.length = len(path.hops)
        self.delay = path.server_ms / 1000
        self.delays = tuple(hop.ms / 1000 for hop in path.hops)
        # None: a router that sends no ICMP.
        self.routers = tuple(None if hop.silent else socket.inet_aton(hop.address) for hop in path.hops)
        self.watch: dict[int, tuple[Stand, ...]] = {}
        self._boxes = boxes
        self._exists: Callable[[], bool] | None = exists
        self._launch_arrive = launch, arrive

    @property
    def exists(self) -> bool:
        """Whether packets arrive; asked again while the answer is no, since names get addresses over time."""
        if self._exists is not None and self._exists():
            self._exists = None
        return self._exists is None

    def stands(self, key: int) -> tuple[Stand, ...]:
        """Find the boxes for ``protocol << 16 | port`` in path order; later look-ups go to ``watch``."""
        protocol, port = key >> 16, key & 0xFFFF
        found = [
            Stand(box, self, *self._launch_arrive)
            for box in sorted(self._boxes, key=lambda box: box.hop)
            if box.hop <= self.length and box.watches(protocol, self.address, port)
        ]
        self.watch[key] = tuple(found)
        return self.watch[key]


class Ways:
    """Every way out of one ISP, compiled on first use."""

    # A scan of the whole address space must not grow us without bound: about 50 MB, and compiling anew
    # costs 50 us.
    _MOST = 1 << 15

    def __init__(
        self, scenario: Scenario, isp_id: str, world: Internet, launch: Launch, arrive: Arrive
    ) -> None:
        self._scenario = scenario
        self._isp = scenario.isp(isp_id)
        self._world = world
        self._launch, self._arrive = launch, arrive
        self._boxes = tuple(build(box, world, self._isp.resolver) for box in self._isp.boxes)
        self._known: dict[bytes, Way] = {}
        # Routers can be talked to as well: they answer pings at their own distance.
        self._routers: dict[str, Path] = {}
        inside = self._isp.path
        for route in scenario.routes:
            if not route.isps or isp_id in route.isps:
                tail = (Hop(hop.address, inside[-1].ms + hop.ms, hop.silent) for hop in route.path)
                for place, hop in enumerate(path := (*inside, *tail)):
                    self._routers.setdefault(hop.address, Path(path[:place], hop.ms))

    def __getitem__(self, destination: bytes) -> Way:
        way = self._known.get(destination)
        if way is None:
            if len(self._known) >= self._MOST:
                self._known.clear()
            way = self._known[destination] = self._compile(socket.inet_ntoa(destination))
        return way

    def _compile(self, address: str) -> Way:
        router = self._routers.get(address)
        path = router or self._scenario.route_for(self._isp, address)
        exists = (lambda: True) if router else (lambda: self._world.exists(address))
        return Way(address, path, self._boxes, exists, self._launch, self._arrive)
