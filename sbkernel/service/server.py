"""The process: everything that must outlive a Jupyter kernel, started in one order and stopped in the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sbkernel import __version__
from sbkernel.errors import SbkernelError, ServiceError
from sbkernel.jobs.longlived import collect_seldom
from sbkernel.nodes.methods import Hardware
from sbkernel.service.boot.bootfiles import BootFiles
from sbkernel.service.boot.discovery import Discovery
from sbkernel.service.boot.dnsmasq import Dnsmasq
from sbkernel.service.boot.door import BootDoor
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.boot.senders import Senders
from sbkernel.service.boot.served import Offer
from sbkernel.service.console.attach import Rcons
from sbkernel.service.console.consoles import Consoles
from sbkernel.service.control import Control
from sbkernel.service.endpoint import Endpoint, take
from sbkernel.service.hardwareverbs import HardwareVerbs
from sbkernel.service.interfaces import LOOPBACK, address_of, dhcp_interfaces
from sbkernel.service.localnodes import LocalNodes
from sbkernel.service.messages import SyslogReceiver
from sbkernel.service.power.verbs import PowerVerbs
from sbkernel.service.protocol import Message
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import Watcher
from sbkernel.site import Site

if TYPE_CHECKING:
    from sbkernel.service.boot.boothttp import BootHttp

_log = logging.getLogger(__name__)
_LOCK_PATIENCE_S = 2.0


class Part(Protocol):
    """A part of the service."""

    async def start(self) -> None:
        """Begin; raise ServiceError when it cannot."""

    async def stop(self) -> None:
        """End, leaving nothing behind."""


class Parts:
    """The parts of the service of one site, joined to each other."""

    def __init__(self, site: Site, hardware: Hardware, until: asyncio.Event) -> None:
        self.site = site
        self.began = time.time()
        self.interfaces = {name: address_of(name) for name in dhcp_interfaces(site)}
        self.addresses = list(dict.fromkeys([LOOPBACK, *self.interfaces.values()]))
        self.loops = Supervisor()
        self.watcher = Watcher(site, self.loops)
        self.progress = BootProgress(site, self.loops)
        self.files = BootFiles(site, self.loops)
        self.discovery = Discovery(site, self.loops, self.watcher, self.interfaces)
        self._senders = Senders(self.progress.leases, self.watcher)
        self._offer = Offer.of(site)
        self.http = BootDoor(self._offer.port, self.addresses, self._senders, self._web_server)
        self.syslog = SyslogReceiver(site, self.addresses)
        self.virtual = LocalNodes(site, self.loops, self.watcher)
        self.dnsmasq = Dnsmasq(site, self.loops, self.watcher, self.progress, self.discovery, self.interfaces)
        self.consoles = Consoles(site, hardware, self.loops, self.watcher, self.progress)
        power = PowerVerbs(site, hardware, self.consoles, self.virtual, self.progress)
        self.control = Control(
            Endpoint(site.run),
            greeting(site),
            {"status": self.status, "stop": _stopper(until), **power.verbs(), **HardwareVerbs(site, hardware).verbs()},
            {"rcons": Rcons(site, self.consoles)},
        )

    def in_order(self) -> list[Part]:
        """Return the parts as they start; the socket comes last, when everything behind it runs."""
        serving: list[Part] = [self.files, self.http, self.syslog, self.virtual, self.dnsmasq, self.consoles]
        return [self.watcher, self.progress, self.discovery, *serving, self.control]

    def _web_server(self) -> BootHttp:
        from sbkernel.service.boot.boothttp import BootHttp

        answers = {"/discovery": self.discovery.answer}
        return BootHttp(
            self.site, self.progress, self.addresses, self.watcher, self._senders, offer=self._offer,
            send_files=self.files.ask, answers=answers,
        )  # fmt: skip

    async def status(self, _request: Message) -> AsyncIterator[Message]:
        """Say what runs, for `sb service status`; it answers while the store cannot be read, too."""
        children = [*self.virtual.children(), *self.dnsmasq.children()]
        yield {
            **greeting(self.site),
            "since": self.began,
            "addresses": self.addresses,
            "http_port": self.http.port,
            "refused": {**self.http.refused(), **self.syslog.refused()},
            "syslog_port": self.syslog.port,
            "dhcpinterfaces": list(self.interfaces),
            "restart": await asyncio.to_thread(self._interfaces_changed),
            "nodes": len(self.watcher),
            "consoles": self.consoles.states(),
            "children": {child.name: child.pid for child in children},
            "loops": self.loops.states(),
        }

    def _interfaces_changed(self) -> bool:
        try:
            return list(self.interfaces) != dhcp_interfaces(self.site)
        except SbkernelError:
            return False


async def serve(site: Site, until: asyncio.Event) -> None:
    """Run the service of a site until the event is set. Raises ServiceError when a part cannot start."""
    async with AsyncExitStack() as stack:
        hardware = stack.enter_context(contextlib.closing(Hardware(site)))
        stack.push_async_callback(hardware.log_out)
        parts = Parts(site, hardware, until)
        for part in parts.in_order():
            stack.push_async_callback(part.stop)
            await part.start()
        _log.info("serving %s on %s port %d", site.root, ", ".join(parts.addresses), parts.http.port)
        await until.wait()
        _log.info("stopping")


def greeting(site: Site) -> Message:
    """Return what every client hears first."""
    return {"service": "sbkernel", "version": __version__, "site": str(site.root.resolve()), "pid": os.getpid()}


def _stopper(until: asyncio.Event) -> Callable[[Message], AsyncIterator[Message]]:
    async def stop(_request: Message) -> AsyncIterator[Message]:
        until.set()
        yield {"stopping": os.getpid()}

    return stop


async def run(site: Site) -> None:
    """Serve until SIGTERM, SIGINT or the verb `stop`."""
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    await serve(site, until)


def main(arguments: list[str] | None = None) -> int:
    """Run the service of `--site DIR` in the foreground, log on standard error; return the exit status."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m sbkernel.service", description=__doc__)
    parser.add_argument("--site", metavar="DIR", type=Path)
    where = parser.parse_args(arguments).site
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _allow_many_files()
    collect_seldom()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Site.open(where) as site:
            _serve_alone(site)
    except SbkernelError as error:
        _log.error("%s", error)
        return 1
    return 0


def _serve_alone(site: Site) -> None:
    lock = take(Endpoint(site.run).lock, patience_s=_LOCK_PATIENCE_S)
    if lock is None:
        raise ServiceError(f"the service of {site.root} runs already", hint="stop it: sb service stop")
    with lock:
        asyncio.run(run(site))


def _allow_many_files() -> None:
    """Raise the soft limit of open files: every console has two logs, every fetch two descriptors."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":  # units of systemd that were written before call this
    sys.exit(main())
