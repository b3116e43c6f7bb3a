"""The way to one destination, compiled: delays in seconds, addresses in bytes, the boxes that watch a port.

Everything that can be decided once per destination is decided here, so that the engine's hot path only
looks up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes import Box, build
from gatewatch.lab.country.scenario import Path, Scenario
from gatewatch.lab.path.packet import packed, unpacked
from gatewatch.lab.path.router import Allowances, Router


class Carrier(Protocol):
    """What a box may ask of the engine; ``stand`` is where the packet starts from."""

    def back(self, packet: bytes, stand: Stand, leaves: float) -> None:
        """Carry a packet towards the client; ``leaves`` is when."""
        ...

    def onward(self, packet: bytes, stand: Stand, now: float) -> None:
        """Carry a packet towards the server; ``now`` is when it would have left the client."""
        ...


class Stand:
    """A box where it stands on one way: the hop, and the wire it may write to.

    ``place`` counts the boxes of the way from the client on, ``away`` is the one-way delay from the client in
    seconds.  Packets are looked at one after another at the moment they are sent, not when they pass, so
    ``now`` says when the inspected one left the client, or would have if it comes from the server.
    """

    __slots__ = (
        "_carrier",
        "away",
        "branch",
        "held",
        "hop",
        "inspect",
        "inspect_return",
        "now",
        "place",
        "way",
    )

    def __init__(self, box: Box, place: int, way: Way, carrier: Carrier) -> None:
        self.hop = box.hop
        self.branch = box.description.branch - 1  # of the routers beside each other there; -1: on all
        self.place = place
        self.way = way
        self.inspect = box.look
        self.inspect_return = box.inspect_return
        self.now = 0.0
        self.held = 0.0  # how long the inspected packet is to wait here
        self.away = way.delays[box.hop - 1]
        self._carrier = carrier

    def on(self, key: bytes) -> bool:
        """Tell whether a flow passes here, where a load balancer leads only some of them past."""
        return self.way.routers[self.hop - 1].branch(key) == self.branch

    @property
    def time(self) -> float:
        """When the inspected packet passes the box."""
        return self.now + self.away

    def at(self, time: float) -> None:
        """Go on at another moment: what is sent from here now leaves the box at ``time``."""
        self.now = time - self.away

    def hold(self, seconds: float) -> None:
        """Let the inspected packet wait here before it goes on, in either direction."""
        self.held = seconds

    def to_client(self, packet: bytes, later: float = 0.0) -> None:
        """Send a packet back from here, ``later`` seconds from now."""
        self._carrier.back(packet, self, self.now + self.away + later)

    def to_server(self, packet: bytes, later: float = 0.0) -> None:
        """Send a packet on from here, past the boxes that follow."""
        self._carrier.onward(packet, self, self.now + later)


class Road:
    """What all destinations behind the same routers share; delays in seconds, one way from the client."""

    __slots__ = ("back", "boxed", "delay", "delays", "length", "narrow", "path", "routers")

    def __init__(self, path: Path, routers: tuple[Router, ...]) -> None:
        self.path = path
        self.routers = routers
        self.length = len(routers)
        # The last hop where boxes of the ISP's path stand on this one.
        self.boxed = min(path.boxed or self.length, self.length)
        self.delay = path.server_ms / 1000
        self.delays = tuple(router.delay for router in routers)
        # How many routers what comes from the server meets.
        self.back = self.length if path.back < 0 else path.back
        # Where links take less than Ethernet does: after how many routers, and how much.
        self.narrow = tuple((place, router.mtu) for place, router in enumerate(routers, 1) if router.mtu)


class Way:
    """One destination: its routers, the one-way delay to the server, whether anybody is there."""

    __slots__ = (
        "_boxes",
        "_carrier",
        "_exists",
        "_stands",
        "address",
        "back",
        "delay",
        "delays",
        "length",
        "narrow",
        "returns",
        "routers",
        "watch",
    )

    def __init__(
        self,
        address: str,
        road: Road,
        boxes: Sequence[Box],
        exists: Callable[[], bool],
        carrier: Carrier,
    ) -> None:
        self.address = address
        # The hot path asks for these of each packet, so they are looked up once.
        self.length, self.delay, self.delays = road.length, road.delay, road.delays
        self.routers, self.back, self.narrow = road.routers, road.back, road.narrow
        self.watch: dict[int, tuple[Stand, ...]] = {}
        self._boxes = tuple(box for box in boxes if box.hop <= road.boxed)  # in path order
        # None: nobody looks at what comes back.
        looks_back = any(box.looks_back for box in self._boxes)
        self.returns: dict[int, tuple[Stand, ...]] | None = {} if looks_back else None
        self._stands: dict[int, Stand] = {}
        self._carrier = carrier
        self._exists: Callable[[], bool] | None = exists

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
            self._stand(place, box)
            for place, box in enumerate(self._boxes)
            if box.watches(protocol, self.address, port)
        ]
        self.watch[key] = tuple(found)
        return self.watch[key]

    def returning(self, key: int) -> tuple[Stand, ...]:
        """Find the boxes for what comes back from ``protocol << 16 | port``, the server's next one first."""
        assert self.returns is not None
        stands = self.returns.get(key)
        if stands is None:
            protocol, port = key >> 16, key & 0xFFFF
            found = [
                self._stand(place, box)
                for place, box in enumerate(self._boxes)
                if box.looks_back and box.watches_return(protocol, self.address, port)
            ]
            stands = self.returns[key] = tuple(reversed(found))
        return stands

    def part(self) -> None:
        """Forget the boxes' stands, which know this way."""
        self.watch.clear()
        self._stands.clear()
        if self.returns is not None:
            self.returns.clear()

    def _stand(self, place: int, box: Box) -> Stand:
        stand = self._stands.get(place)
        if stand is None:
            stand = self._stands[place] = Stand(box, place, self, self._carrier)
        return stand


class Ways:
    """Every way out of one ISP, compiled on first use."""

    # A scan of the whole address space must not grow us without bound: about 50 MB, and compiling anew
    # costs 50 us.
    _MOST = 1 << 15

    def __init__(
        self, scenario: Scenario, isp_id: str, world: Internet, carrier: Carrier, seed: int = 0
    ) -> None:
        self._scenario = scenario
        self._isp = scenario.isp(isp_id)
        self._world = world
        self._carrier = carrier
        boxes = [build(box, world, self._isp.resolver) for box in self._isp.boxes]
        for box in boxes:
            box.resolver6 = self._isp.resolver6
        self._boxes = tuple(sorted(boxes, key=lambda box: box.hop))
        self.stacks = tuple(stack for box in self._boxes for stack in box.stacks)
        self._known: dict[bytes, Way] = {}
        self._seed = seed
        self._allowances: Allowances = {}
        self._roads: dict[tuple[int, bool], Road] = {}
        # Routers can be talked to as well: they answer pings at their own distance.
        self._routers: dict[str, Path] = {}
        inside = self._isp.path
        for route in scenario.routes:
            if not route.isps or isp_id in route.isps:
                way = route.joined(inside)
                for place, hop in enumerate(way.hops):
                    for address in (*hop.of(six=False), *hop.of(six=True)):
                        if address:
                            found = Path(way.hops[:place], hop.ms, hop.back, way.boxed)
                            self._routers.setdefault(unpacked(packed(address)), found)

    def __getitem__(self, destination: bytes) -> Way:
        way = self._known.get(destination)
        if way is None:
            if len(self._known) >= self._MOST:
                self._known.clear()
            way = self._known[destination] = self._compile(unpacked(destination))
        return way

    def close(self) -> None:
        """Part the ways from the boxes on them, which know one another."""
        for way in self._known.values():
            way.part()
        self._known.clear()

    def _compile(self, address: str) -> Way:
        router = self._routers.get(address)
        path = router or self._scenario.route_for(self._isp, address)
        exists = (lambda: True) if router else (lambda: self._world.exists(address))
        return Way(address, self._road(path, six=":" in address), self._boxes, exists, self._carrier)

    def _road(self, path: Path, *, six: bool) -> Road:
        # Paths live as long as their road, which holds them, so their ids are theirs alone.
        road = self._roads.get((id(path), six))
        if road is None:
            routers = tuple(
                Router(hop, place, six=six, seed=self._seed, allowances=self._allowances)
                for place, hop in enumerate(path.hops, 1)
            )
            road = self._roads[id(path), six] = Road(path, routers)
        return road
