"""What the tests of the service share: simulated BMCs in a thread of their own, and how to read a console."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import dataclass

from sbkernel.nodes.simulator import BmcServer, PretendMachine, SimulatedBmc, serve
from sbkernel.site import Site

USER, PASSWORD = "admin", "s3cret-of-bmc"


@dataclass
class Node:
    """A node of the site whose BMC is simulated."""

    name: str
    server: BmcServer
    bmc: SimulatedBmc
    machine: PretendMachine


class Bmcs:
    """Simulated BMCs; `say` lets a machine write to its serial port."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._nodes: list[Node] = []

    def add(self, site: Site, name: str, **attributes: str) -> Node:
        machine = PretendMachine()
        bmc = SimulatedBmc(machine, {USER.encode(): PASSWORD.encode()})
        server = asyncio.run_coroutine_threadsafe(serve(bmc), self.loop).result(10)
        address = f"127.0.0.1:{server.address[1]}"
        site.set(
            "node", name,
            **{"groups": "all", "mgt": "ipmi", "cons": "ipmi", "bmc": address, "bmcusername": USER,
               "bmcpassword": PASSWORD, **attributes},
        )  # fmt: skip
        self._nodes.append(Node(name, server, bmc, machine))
        return self._nodes[-1]

    def say(self, node: Node, data: bytes) -> None:
        self.loop.call_soon_threadsafe(node.machine.on_serial, data)

    def close(self) -> None:
        for node in self._nodes:
            self.loop.call_soon_threadsafe(node.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)


def read_until(line: socket.socket, words: bytes, timeout_s: float = 60) -> bytes:
    """Read from a console until it has said some words; return all that it said."""
    text, deadline = b"", time.monotonic() + timeout_s
    while words not in text:
        line.settimeout(max(0.01, deadline - time.monotonic()))
        data = line.recv(4096)
        assert data, f"the console ended: {text!r}"
        text += data
    return text
