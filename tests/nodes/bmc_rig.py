"""A simulated BMC that listens on a real UDP port, and what the tests of the nodes share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.simulator import BmcServer, PretendMachine, SimulatedBmc

USER, PASSWORD = b"admin", b"s3cret-of-bmc"


@dataclass
class Rig:
    """A simulated BMC that listens, the machine behind it, and how to log in."""

    server: BmcServer
    bmc: SimulatedBmc
    machine: PretendMachine

    @property
    def port(self) -> int:
        return self.server.address[1]

    def login(self, *, node: str = "n1", user: bytes = USER, password: bytes = PASSWORD) -> BmcLogin:
        return BmcLogin(node, "127.0.0.1", self.port, user, password)


MakeRig = Callable[..., Awaitable[Rig]]
