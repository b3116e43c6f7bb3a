"""WHAT is tested: target lists, networks, resolvers and fingerprints, as data with typed loaders."""

from .boxes import KnownBox, known_boxes
from .endpoints import app_at, apps
from .lists import BUILTIN, ReadResult, load, read, resolve_names
from .model import (
    App,
    Beacon,
    Category,
    Endpoint,
    Fingerprint,
    Helper,
    Network,
    Resolver,
    Source,
    Target,
)
from .ports import ServicePort, service_ports
from .reference import (
    beacons,
    categories,
    control_names,
    fingerprints,
    helpers,
    networks,
    resolvers,
    risk_in,
    sources,
)
from .rows import DataError, Problem
from .signatures import SignFile, read_signs
from .text import printable
from .url import Url, UrlError

__all__ = [
    "BUILTIN",
    "App",
    "Beacon",
    "Category",
    "DataError",
    "Endpoint",
    "Fingerprint",
    "Helper",
    "KnownBox",
    "Network",
    "Problem",
    "ReadResult",
    "Resolver",
    "ServicePort",
    "SignFile",
    "Source",
    "Target",
    "Url",
    "UrlError",
    "app_at",
    "apps",
    "beacons",
    "categories",
    "control_names",
    "fingerprints",
    "helpers",
    "known_boxes",
    "load",
    "networks",
    "printable",
    "read",
    "read_signs",
    "resolve_names",
    "resolvers",
    "risk_in",
    "service_ports",
    "sources",
]
