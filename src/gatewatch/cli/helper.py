"""gatewatch helper: run a test helper for probes elsewhere."""

from __future__ import annotations

import contextlib
import signal
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatewatch.helper.names import LookUp
    from gatewatch.helper.serve import Settings
    from gatewatch.net.trust import Trust

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def helper() -> None:
    """Run a test helper: the control vantage that probes compare with."""


@helper.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Its port.")
@click.option("--certfile", type=_FILE, help="TLS certificate chain, PEM; without it, plain HTTP.")
@click.option("--keyfile", type=_FILE, help="The certificate's key, when it is in a file of its own.")
@click.option("--echo-port", type=click.IntRange(0, 65535), help="Tell raw requests on this port, too.")
@click.option(
    "--ports",
    metavar="LIST",
    default="",
    help="More ports that say that they are reached: `vpn` for our table, or 1194/udp,1723/tcp,...",
)
@click.option("--ports-host", help="Address for those ports, where it is not --host.")
@click.option(
    "--resolver",
    default="Google,Cloudflare",
    show_default=True,
    help="Who is asked for names, over HTTPS: resolvers of our table, or `system`.",
)
@click.option("--own", multiple=True, help="Public address of a NAT in front, never to be connected to.")
@click.option("--prefixes", type=_FILE, help="CSV with the columns prefix and asn, to name networks.")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 100_000),
    default=10,
    show_default=True,
    help="Requests a second of one client; ten times as many at once.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 10_000),
    default=500,
    show_default=True,
    help="Questions of probes measured at once; of anybody else, half as many.",
)
@click.option("--proxied", is_flag=True, help="A proxy in front sets X-Real-IP; trust it.")
def serve(
    host: str,
    port: int,
    certfile: Path | None,
    keyfile: Path | None,
    echo_port: int | None,
    ports: str,
    ports_host: str | None,
    resolver: str,
    own: tuple[str, ...],
    prefixes: Path | None,
    rate: float,
    at_once: int,
    proxied: bool,
) -> None:
    """Answer probes of OONI's and of ours until a signal ends it.

    Listens on loopback, for a web server in front (docs/helper.md).  Nothing about clients is logged or kept.
    """
    try:
        import hypercorn  # noqa: F401 -- only whether it is there
        import trio

        from gatewatch.helper.admission import Allowance
        from gatewatch.helper.app import App
        from gatewatch.helper.guard import Guard
        from gatewatch.helper.measure import Measurer
        from gatewatch.helper.networks import Networks
        from gatewatch.helper.ports import read
        from gatewatch.helper.serve import Settings
        from gatewatch.helper.way import Way
        from gatewatch.net.trust import system_trust
    except ImportError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'gatewatch[helper]'") from None
    trust = system_trust()
    look_up = _look_up(resolver, trust)
    try:
        networks = Networks(prefixes) if prefixes else None
        guard = Guard(own=own)
        greeting, every = read(ports)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    settings = Settings(
        host=host,
        port=port,
        certfile=str(certfile) if certfile else None,
        keyfile=str(keyfile) if keyfile else None,
        echo_port=echo_port,
        ports=greeting,
        every_port=every,
        ports_host=ports_host,
        proxied=proxied,
        at_once=at_once,
    )
    _allow_files()

    async def main() -> None:
        way = Way(trust, look_up, guard)
        measurer = Measurer(way, networks.asn_of) if networks else Measurer(way)
        await _until_signal(
            App(measurer, Allowance(rate, 10 * rate), proxied=proxied, at_once=at_once), settings
        )

    with _told(host, port):
        trio.run(main)


def _allow_files() -> None:
    """Raise the limit on open files as far as it goes: 500 measurements hold more than the usual 1,024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _look_up(text: str, trust: Trust) -> LookUp:
    from gatewatch.helper import names
    from gatewatch_targets import resolvers

    if text == "system":
        return names.by_system()
    table = {r.name.casefold(): r for r in resolvers() if r.ipv4 and r.doh}
    wanted = [name.strip().casefold() for name in text.split(",")]
    if unknown := [name for name in wanted if name not in table]:
        raise click.BadParameter(
            f"{unknown[0]!r} is none of: system, {', '.join(r.name for r in table.values())}",
            param_hint="--resolver",
        )
    return names.over_https([names.Doh.of(table[name]) for name in wanted], trust)


async def _until_signal(app: object, settings: Settings) -> None:
    import trio

    from gatewatch.helper.app import App
    from gatewatch.helper.serve import serve as listen

    assert isinstance(app, App)
    async with trio.open_nursery() as nursery:
        ports = await nursery.start(listen, app, settings)
        scheme = "https" if settings.certfile else "http"
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        click.echo(f"Listening on {scheme}://{shown}:{ports[0]}/", err=True)
        if settings.echo_port is not None:
            click.echo(f"Telling requests on http://{shown}:{ports[-1]}/", err=True)
        if settings.ports:
            told = " ".join(f"{port}/{transport}" for port, transport in app.ports) or "none"
            click.echo(f"Answering on {told}", err=True)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()
                return


@contextlib.contextmanager
def _told(host: str, port: int) -> Iterator[None]:
    """Say in one line why it cannot listen."""
    said: click.ClickException | None = None
    try:
        yield
    except* ssl.SSLError as group:
        said = click.UsageError(f"--certfile or --keyfile: {_first(group)}")
    except* OSError as group:
        said = click.ClickException(f"cannot listen on {host} port {port}: {_first(group)}")
    if said is not None:
        # Outside the handlers: Python 3.11.2 wraps what they raise into a group once more.
        raise said


def _first(error: BaseException) -> BaseException:
    """Give the first error of a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
