"""A scenario: one country on paper, its networks, ISPs, paths, boxes and sites, and the truth to be found.

A scenario is one readable TOML file.  Everything here is plain data: the engine turns it into a path, the
world into servers, and :mod:`gatewatch.lab.country.truth` into the verdicts that the analysis must reach.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

from gatewatch.lab.country.acceptance import Acceptance
from gatewatch.lab.country.calendar import Rehearsal
from gatewatch.lab.country.decode import ScenarioError, decode
from gatewatch.lab.country.host import Host
from gatewatch.lab.country.parts import (
    KINDS,
    Box,
    Client,
    DomainList,
    Hop,
    Isp,
    Network,
    PageHost,
    Path,
    Route,
    Sites,
    bare,
    covers,
    fraction,
)
from gatewatch.lab.country.stages import Stage, bare_on

#: The folder of the acceptance scenarios.
ACCEPTANCE = "acceptance"

__all__ = [
    "ACCEPTANCE",
    "KINDS",
    "Acceptance",
    "Box",
    "Client",
    "DomainList",
    "Hop",
    "Host",
    "Isp",
    "Network",
    "PageHost",
    "Path",
    "Rehearsal",
    "Route",
    "Scenario",
    "ScenarioError",
    "Sites",
    "Stage",
    "bare",
    "covers",
    "fraction",
    "load",
    "names",
]


@dataclass(frozen=True, eq=False)
class Scenario:
    """A country as the lab emulates it; get one from :func:`load`."""

    name: str
    title: str
    country: str
    source: str
    networks: tuple[Network, ...] = field(metadata={"key": "network"})
    isps: tuple[Isp, ...] = field(metadata={"key": "isp"})
    routes: tuple[Route, ...] = field(metadata={"key": "route"})
    sites: Sites = field(default_factory=Sites)
    lists: tuple[DomainList, ...] = field(default=(), metadata={"key": "list"})
    pagehosts: tuple[PageHost, ...] = field(default=(), metadata={"key": "pagehost"})
    loss: float = 0.0  # for every ISP that says nothing else
    jitter_ms: float = 0.0
    hosts: tuple[Host, ...] = field(default=(), metadata={"key": "host"})
    boxes: tuple[Box, ...] = field(default=(), metadata={"key": "box"})  # of every ISP, or of Box.isps
    client: Client = field(default_factory=Client)
    helpers: str = "up"  # what OONI's test helpers do: up | slow | silent | refused | error_500
    acceptance: Acceptance | None = None
    seed: int = 0  # for what is left to chance: flaky hosts, lost packets, jitter
    stages: tuple[Stage, ...] = field(default=(), metadata={"key": "stage"})
    rehearsal: Rehearsal | None = None

    def on(self, day: int) -> Scenario:
        """Give the country as it is on a day (the first is 1), its stages laid over it."""
        known = self._days.get(day)
        if known is None:
            held = tuple(number for number, stage in enumerate(self.stages) if stage.holds(day))
            # Days on which the same stages hold are the same country.
            known = self._days.setdefault(day, self._staged.get(held) or self._staged_anew(day, held))
        return known

    def _staged_anew(self, day: int, held: tuple[int, ...]) -> Scenario:
        from gatewatch.lab.country.check import complete

        made = complete(bare_on(self, day)) if self.stages else self
        return self._staged.setdefault(held, made)

    @cached_property
    def _days(self) -> dict[int, Scenario]:
        return {}

    @cached_property
    def _staged(self) -> dict[tuple[int, ...], Scenario]:
        return {}

    def seeded(self, seed: int | None) -> Scenario:
        """Give the same scenario with another seed for what is left to chance; None changes nothing."""
        return self if seed is None else replace(self, seed=seed)

    def isp(self, isp_id: str) -> Isp:
        """Give an ISP by its id; raises KeyError that lists the known ones."""
        for isp in self.isps:
            if isp.id == isp_id:
                return isp
        known = ", ".join(isp.id for isp in self.isps)
        raise KeyError(f"scenario {self.name} has no ISP {isp_id!r}; it has {known}")

    @cached_property
    def _pinned(self) -> dict[str, Host]:
        found: dict[str, Host] = {}
        for host in self.hosts:
            for name in host.names:
                found.setdefault(name, host)
        return found

    def host(self, name: str) -> Host | None:
        """Give the [[host]] table that holds a name, None for all other names."""
        return self._pinned.get(name)

    @cached_property
    def machines(self) -> frozenset[str]:
        """The addresses of clients, ISPs' resolvers and routers, of both families."""
        found = {a for isp in self.isps for a in (isp.client, isp.resolver, isp.client6, isp.resolver6)}
        paths = [*(isp.path for isp in self.isps), *(route.path for route in self.routes)]
        found |= {a for path in paths for hop in path for six in (False, True) for a in hop.of(six)}
        return frozenset(found - {""})

    @cached_property
    def _plan(self) -> dict[int, tuple[tuple[int, int, int, Network], ...]]:
        """The address plan by IP version as (mask, network, length, owner), longest prefix first."""
        rows: dict[int, list[tuple[int, int, int, Network]]] = {4: [], 6: []}
        for network in self.networks:
            for prefix in network.prefixes:
                block = ipaddress.ip_network(prefix)
                row = int(block.netmask), int(block.network_address), block.prefixlen, network
                rows[block.version].append(row)
        return {version: tuple(sorted(found, key=lambda row: -row[2])) for version, found in rows.items()}

    def network_of(self, address: str) -> Network | None:
        """Give the network an address belongs to by longest prefix, or None outside the plan."""
        ip = ipaddress.ip_address(address)
        number = int(ip)
        return next((net for mask, base, _, net in self._plan[ip.version] if number & mask == base), None)

    def prefixes_csv(self) -> str:
        """Give the address plan as CSV with the columns prefix, asn, country, name, for the analysis."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("prefix", "asn", "country", "name"))
        for network in self.networks:
            rows.writerows(
                (prefix, network.asn, network.country, network.name) for prefix in network.prefixes
            )
        return out.getvalue()

    def route_for(self, isp: Isp, address: str) -> Path:
        """Give the whole path from an ISP's client to a destination, the ISP's own hops included.

        An address in the ISP's own networks is reached behind its first ``local_hops`` routers.
        """
        network = self.network_of(address)
        if network is not None and network.asn == isp.asn:
            return self._path(isp, -1)
        usable = [
            (_closeness(route, address, network), -place)
            for place, route in enumerate(self.routes)
            if not route.isps or isp.id in route.isps
        ]
        # The file's order decides between equally close routes.
        return self._path(isp, -max(usable)[1])

    def _path(self, isp: Isp, place: int) -> Path:
        """Give the path over one of the routes, -1 for the ISP's own servers; the same object each time."""
        known = self._paths.get((isp, place))
        if known is not None:
            return known
        if place < 0:
            local = isp.path[: isp.local_hops]
            # A server in the ISP's own data centre stands a fraction of a millisecond behind the last router.
            path = Path(local, local[-1].ms + 0.3)
        else:
            path = self.routes[place].joined(isp.path)
        return self._paths.setdefault((isp, place), path)

    @cached_property
    def _paths(self) -> dict[tuple[Isp, int], Path]:
        """Every path that was asked for: joining one costs more than finding the route."""
        return {}


def _closeness(route: Route, address: str, network: Network | None) -> int:
    """How closely a route names an address: block (by length), AS, country, default; -1 is not at all."""
    best = -1
    for prefix in route.prefixes:
        if "/" in prefix:
            block = ipaddress.ip_network(prefix)
            if ipaddress.ip_address(address) in block:
                best = max(best, 3 + block.prefixlen)
        elif prefix == "default":
            best = max(best, 0)
        elif network and prefix in (network.country, f"AS{network.asn}"):
            best = max(best, 1 if prefix == network.country else 2)
    return best


def names(folder: str = "") -> tuple[str, ...]:
    """Name the packaged scenarios, sorted; ``folder`` names those of a folder, as `acceptance/NAME`."""
    place = resources.files("gatewatch.lab") / "scenarios" / folder
    prefix = f"{folder}/" if folder else ""
    files = [f.name for f in place.iterdir() if f.name.endswith(".toml")] if place.is_dir() else []
    return tuple(sorted(prefix + name.removesuffix(".toml") for name in files))


def _parse(raw: bytes, label: str) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        # What is no UTF-8 and no TOML is a ValueError; so is a number of thousands of digits.
        raise ScenarioError(f"{label}: {error}") from error


def load(name_or_path: str) -> Scenario:
    """Read and check a packaged scenario by name, or a file by path (anything with `./` or `.toml`).

    ``NAME@DAY`` is the country as it is on that day, its stages laid over it.
    ``include = ["abroad"]`` adds the tables of a packaged part after the file's own.
    Raises ScenarioError for a wrong or missing scenario; the message names file, place and reason.
    """
    bare_name, at, day = name_or_path.rpartition("@")
    if at and day.isdecimal():
        if not int(day):
            raise ScenarioError(f"{name_or_path}: the first day is 1")
        return load(bare_name).on(int(day))
    if name_or_path in (*names(), *names(ACCEPTANCE)):
        return _packaged(name_or_path)
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        path = FilePath(name_or_path)
        if not path.is_file():
            raise ScenarioError(f"{path}: no such file")
        return _read(path.read_bytes(), path.name)
    raise ScenarioError(f"no scenario {name_or_path!r}; packaged are {', '.join(names())}")


@cache
def _packaged(name: str) -> Scenario:
    """Read a packaged scenario, once: it is plain data that nobody changes."""
    label = f"{name}.toml"
    place = (resources.files("gatewatch.lab") / "scenarios").joinpath(*label.split("/"))
    return _read(place.read_bytes(), label)


def _read(raw: bytes, label: str) -> Scenario:
    from gatewatch.lab.country.check import complete  # here, because the checks need the class above

    folder = resources.files("gatewatch.lab") / "scenarios"
    table = _parse(raw, label)
    included = table.pop("include", [])
    if not isinstance(included, list):
        raise ScenarioError(f"{label}: include: expected a list")
    parts = {source.name: source for source in (folder / "parts").iterdir()} if included else {}
    for part in included:
        source = parts.get(f"{part}.toml")
        if source is None:
            raise ScenarioError(f"{label}: include: no packaged part {part!r}")
        for key, rows in _parse(source.read_bytes(), f"{part}.toml").items():
            own = table.get(key, [])
            if not isinstance(own, list):
                raise ScenarioError(f"{label}: {key}: expected a list")
            table[key] = own + rows
    try:
        return complete(decode(Scenario, table, ""))
    except ScenarioError as error:
        raise ScenarioError(f"{label}: {str(error).removeprefix('.')}") from error
