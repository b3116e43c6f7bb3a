"""The beginning of every scenario that a benchmark draws: one ISP, and hosting at home and abroad."""

from __future__ import annotations

#: Its networks, as TOML.
NETWORKS = """\
[[network]]
asn = 45498
name = "The ISP"
country = "KH"
prefixes = ["103.5.24.0/22", "2403:5b40::/32"]

[[network]]
asn = 9902
name = "Hosting at home"
country = "KH"
prefixes = ["202.58.96.0/21", "2406:2e00::/32"]
hosting = true

[[network]]
asn = 13335
name = "Hosting abroad"
country = "US"
prefixes = ["104.16.0.0/13", "2606:4700::/32"]
hosting = true
"""
#: Its ISP, to be filled in by format(): ``line`` holds further keys.
ISP = """
[[isp]]
id = "isp"
asn = 45498
title = "The ISP"
client = "103.5.24.10"
resolver = "103.5.25.53"
local_hops = 1
{line}
"""


def beginning(name: str, title: str, seed: int, elsewhere: str, line: str) -> str:
    """Write it: ``elsewhere`` is the router on the way to all other addresses."""
    return f"""\
name = "{name}"
title = "{title}"
country = "KH"
source = "invented, seed {seed}"
seed = {seed}

{NETWORKS}
[[route]]
name = "else"
prefixes = ["default"]
path = [{{ address = "{elsewhere}", ms = 5.0 }}]
server_ms = 7.0
{ISP.format(line=line)}"""
