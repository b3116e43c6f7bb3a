"""The page on probes, written from their docstrings.  Not a probe.

``python -m gatewatch_probes.page > docs/probes.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import re
import sys

from gatewatch.runner.probes import Probe, available, load

#: What a probe's module says after its question, in this order.
HEADINGS = ("Method", "Traffic", "Risk", "Reference")

_INTRODUCTION = """\
# Probes

A probe measures one target and writes down what happened on the wire. `gatewatch probes list` shows the ones
that are installed, `gatewatch probes show NAME` prints what stands here. This page is written from the probes
by `python -m gatewatch_probes.page`.
"""
_OWN = '''\
## Write your own

A probe is a class in a Python file of its own. It needs no registration to be tried:
`gatewatch run --probe ./mine.py`.

```python
"""banner: what does a mail server say first?

Method: a TCP connection to port 25 of the host's first address; the first line is read.
Traffic: one TCP connection, about 500 bytes.
Risk: the name is asked for in the DNS, and the address is seen by the ISP.
Reference: RFC 5321 3.1.
"""

import trio

from gatewatch.net import lookup, stream
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch_targets import Target


class Banner:
    """The probe."""

    name = "banner"
    test_name = "banner"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 1_000
    typical_packets = 8

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Read the banner of the target's host."""
        journal = Journal()
        said = b""
        with trio.move_on_after(10):
            for address in await lookup.system(journal, target.host):
                if not wire.usable(address):
                    continue
                async with wire.turns.take(address):
                    tcp, _ = await stream.connect(journal, address, 25)
                    if tcp is not None:
                        try:
                            said = await tcp.receive()
                        except OSError:
                            pass  # on record already
                        finally:
                            tcp.close()
                break
        return journal.keys(banner=said.decode("latin-1"))
```

The rules:

- **What the network does is data.** Everything in `gatewatch.net` writes its failures into the journal and
  gives them back as values. Raise only when the probe could not run at all.
- **No time-outs as arguments.** Scope each step with `trio.move_on_after`; the step records
  `generic_timeout_error` when it is cut off. `wire.limits` has the usual values.
- **Manners.** Take `wire.turns.take(address)` around each connection, so that no server sees two at once, and
  connect only to addresses that are `wire.usable`: forged answers point to private ones.
- **The docstring is mandatory**: the question, then Method, Traffic, Risk, Reference. Whoever runs the probe
  decides by it. `risk` is the least tier (low, medium, high) that a user must have chosen; `typical_bytes` is
  what one target costs, both ways, and `typical_packets` how many packets it sends, for
  `gatewatch run --plan`.
- **Try it in the lab**, where nobody is disturbed: `gatewatch lab list` shows the countries that come along.

To ship it, declare it in your package's `pyproject.toml`:

```toml
[project.entry-points."gatewatch.probes"]
banner = "my_package.banner:Banner"
```
'''


def describe(probe: Probe) -> tuple[str, dict[str, str]]:
    """Give a probe's question, and what it says under each heading; raises ValueError when one is missing."""
    text = inspect.getdoc(sys.modules[type(probe).__module__]) or ""
    parts = re.split(rf"^({'|'.join(HEADINGS)}): ", text, flags=re.MULTILINE)
    said = {heading: " ".join(part.split()) for heading, part in zip(parts[1::2], parts[2::2], strict=True)}
    name, _, question = " ".join(parts[0].split()).partition(": ")
    if name != probe.name or not question.endswith("?") or tuple(said) != HEADINGS:
        raise ValueError(f"{probe.name}: its docstring must be a question, then {', '.join(HEADINGS)}")
    return question, said


def markdown() -> str:
    """Give the whole page."""
    # Ours alone: the page must not depend on what else is installed here.
    ours = [name for name, entry in available().items() if entry.module.startswith("gatewatch_probes.")]
    return "\n".join([_INTRODUCTION, *(section(load(name)) for name in ours), _OWN])


def section(probe: Probe) -> str:
    """Give a probe's part of the page."""
    question, said = describe(probe)
    lines = [f"## {probe.name}", "", f"**{question[0].upper()}{question[1:]}**", ""]
    lines += [f"- {heading}: {text}" for heading, text in said.items()]
    lines.append(
        f"- Writes: `test_name` {probe.test_name}, version {probe.version}; risk tier {probe.risk}, "
    )
    packets = getattr(probe, "typical_packets", 0)
    lines[-1] += f"about {packets:,} packets sent and {probe.typical_bytes:,} bytes a target."
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(markdown(), end="")
