"""Run a command inside the lab, with real kernel sockets and all the servers of a scenario behind them.

    python -m gatewatch.lab.inside SCENARIO ISP [--attach tun|veth] [--seed N] -- COMMAND...

Three processes: this one sets the namespaces up and waits, a child carries the packets, another child is
the command.  Its exit status becomes ours.  When it ends, so does the lab; when this process is killed, the
kernel ends both children, and the namespaces vanish with their last process.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("the kernel attachment exists on Linux only")

import argparse
import contextlib
import gc
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gatewatch.lab.attach import devices, loop, namespaces, surroundings
from gatewatch.lab.country.scenario import ScenarioError, load
from gatewatch.lab.path.engine import Engine
from gatewatch.lab.world import World

# sysexits.h: the lab itself failed, not the command.
UNAVAILABLE, SOFTWARE = 69, 70
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_WATCHED = frozenset((*_FORWARDED, signal.SIGCHLD))
# siginfo's si_code for signals from the terminal, which the command has received as well.
_SI_KERNEL = 0x80


def _fork(child: Callable[[], None]) -> int:
    """Start a process that ends when the function returns, and give its id."""
    pid = os.fork()
    if pid:
        return pid
    status = SOFTWARE
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        child()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else SOFTWARE
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _carry(device: devices.Device, engine: Engine, folder: Path, parent: int, ready: int) -> None:
    """The engine's process: packets until the end, then clear away; writes to ``ready`` at the start."""

    def stop(_signal: int, _frame: object) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    # A Ctrl-C in the terminal is for the command; the lab ends after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        namespaces.die_with_parent(signal.SIGTERM)
        if os.getppid() == parent:
            loop.run(device, engine, lambda: os.write(ready, b"1"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _become(command: list[str], environment: dict[str, str], fd: int, parent: int) -> None:
    """Turn into the command."""
    os.close(fd)
    # The usual 1024 files are fewer than the connections a run has open at once.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    namespaces.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        return
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        # As shells do: not found, or not executable.
        raise SystemExit(127 if isinstance(error, FileNotFoundError) else 126) from None


def _wait(command: int, engine: int) -> int:
    """Forward signals until the command ends; gives its wait status, or ends it when the engine fails."""
    while True:
        info = signal.sigwaitinfo(_WATCHED)
        if info.si_signo != signal.SIGCHLD:
            if info.si_code != _SI_KERNEL:
                os.kill(command, info.si_signo)
            continue
        # One SIGCHLD may stand for several children.
        ended, status = os.waitpid(command, os.WNOHANG)
        if ended:
            return status
        if os.waitpid(engine, os.WNOHANG)[0]:
            print("the lab's engine has failed; ending the command", file=sys.stderr)
            os.kill(command, signal.SIGKILL)
            os.waitpid(command, 0)
            return SOFTWARE << 8


def run(
    scenario_name: str,
    isp_id: str,
    attach: devices.Kind | None,
    command: list[str],
    seed: int | None = None,
) -> int:
    """Set the lab up in this process, run a command in it and give its exit status.

    Raises ScenarioError, KeyError (no such ISP), OSError or DeviceError when the lab cannot be built.
    """
    scenario = load(scenario_name).seeded(seed)
    isp = scenario.isp(isp_id)
    namespaces.enter()
    device = devices.make(attach, isp.client, isp.routed6)
    world = World(scenario)
    engine = Engine(scenario, isp_id, world, clock=time.monotonic, seed=scenario.seed)
    folder = Path(tempfile.mkdtemp(prefix="gatewatch-lab-"))
    try:
        surroundings.furnish(scenario, isp_id, world.ca_pem(), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    environment = surroundings.environment(scenario_name, isp_id, device.kind, folder)
    # A caller that ignores SIGCHLD would leave us waiting for ever.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    here = os.getpid()
    # What exists now lives as long as the engine's process, whose collections need not look at it again.
    gc.collect()
    gc.freeze()
    started, ready = os.pipe()
    carrier = _fork(lambda: _carry(device, engine, folder, here, ready))
    os.close(ready)
    # The command's first packet must not wait for the engine; should that fail, _wait() tells.
    os.read(started, 1)
    client = _fork(lambda: _become(command, environment, device.fd, here))
    os.close(device.fd)
    status = _wait(client, carrier)
    with contextlib.suppress(ProcessLookupError, ChildProcessError):  # unless it has failed before
        os.kill(carrier, signal.SIGTERM)
        os.waitpid(carrier, 0)
    shutil.rmtree(folder, ignore_errors=True)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    """Parse the command line and run; problems are said in one line on stderr."""
    parser = argparse.ArgumentParser(prog="gatewatch.lab.inside", description="Run a command inside the lab.")
    parser.add_argument("scenario", help="a packaged scenario's name, or a TOML file")
    parser.add_argument("isp", help="which of its ISPs the client is on")
    parser.add_argument(
        "--attach", choices=("tun", "veth"), help="default: tun where it may be opened, else veth"
    )
    parser.add_argument("--seed", type=int, help="for what is left to chance; default: the scenario's")
    parser.add_argument("command", nargs="+", help="after --: what to run")
    chosen = parser.parse_args(arguments)
    try:
        return run(chosen.scenario, chosen.isp, chosen.attach, chosen.command, chosen.seed)
    except (ScenarioError, KeyError) as error:
        parser.exit(2, f"{error.args[0]}\n")
    except (OSError, devices.DeviceError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        print(f"the lab cannot use this kernel: {place}{reason}", file=sys.stderr)
        return UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
