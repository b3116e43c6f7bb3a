"""What a program inside the lab finds beside the network: resolver, trust store, plan, environment."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("the kernel attachment exists on Linux only")

import json
import os
import re
from pathlib import Path

from gatewatch.lab.attach.devices import DeviceError, Kind
from gatewatch.lab.attach.namespaces import cover, hide
from gatewatch.lab.country.scenario import Scenario

# resolv.conf(5): as most systems, except that two seconds instead of five keep a blocked name from stalling
# a run.
_RESOLVER, _RESOLV_OPTIONS = "nameserver {}\n", "options timeout:2 attempts:2\n"
_ETC = Path("/etc")


def _cover_etc(name: str, text: str, folder: Path) -> None:
    replacement = folder / name
    replacement.write_text(text, encoding="utf-8")
    replacement.chmod(0o644)
    cover(_ETC / name, replacement)


def use_resolvers(resolvers: tuple[str, ...], folder: Path) -> None:
    """Make the C library ask these resolvers and nobody else, in this mount namespace."""
    if not (_ETC / "resolv.conf").exists():
        raise DeviceError("/etc/resolv.conf is missing, so it cannot be covered; create an empty one")
    lines = "".join(_RESOLVER.format(resolver) for resolver in resolvers)
    _cover_etc("resolv.conf", lines + _RESOLV_OPTIONS, folder)
    switch = _ETC / "nsswitch.conf"
    if switch.exists():
        # Other services (resolve, mdns, libvirt, ...) answer over Unix sockets that lead out of the lab.
        _cover_etc(
            "nsswitch.conf", re.sub(r"(?m)^\s*hosts:.*$", "hosts: files dns", switch.read_text()), folder
        )
    if Path("/run/nscd/socket").exists():
        hide(Path("/run/nscd"))


def environment(scenario: str, isp: str, attach: Kind, folder: Path) -> dict[str, str]:
    """Give the command's environment: the lab's trust store, and where it is (``GATEWATCH_LAB``)."""
    ca = str(folder / "ca.pem")
    # The command may change its folder, so a scenario's file is named in full.
    name = str(Path(scenario).resolve()) if Path(scenario).is_file() else scenario
    about = {"scenario": name, "isp": isp, "attach": attach, "prefixes": str(folder / "prefixes.csv")}
    # OpenSSL (and so Python) reads the first; requests and curl look for their own before it.
    return {
        **os.environ,
        "SSL_CERT_FILE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "CURL_CA_BUNDLE": ca,
        "GATEWATCH_LAB": json.dumps(about),
    }


def furnish(scenario: Scenario, isp_id: str, ca_pem: bytes, folder: Path) -> None:
    """Put everything in its place; ``folder`` must last as long as the lab."""
    (folder / "ca.pem").write_bytes(ca_pem)
    (folder / "prefixes.csv").write_text(scenario.prefixes_csv(), encoding="utf-8")
    use_resolvers(scenario.isp(isp_id).resolvers, folder)
