"""Every way to control a node, each with the real thing behind it and a wire between that can be disturbed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import ipmi_sim
import wire as wires
from bmc_rig import PASSWORD, USER
from wire import Wire

from sbkernel.errors import SbkernelError
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.methods import Hardware
from sbkernel.nodes.mkvm import mkvm
from sbkernel.nodes.power import BootDevice, Power, PowerChange
from sbkernel.nodes.simulator import PretendMachine, SimulatedBmc, serve
from sbkernel.nodes.simulator.redfish import SimulatedRedfish, serve_redfish, tls
from sbkernel.nodes.virtual.host import VirtualNodes
from sbkernel.nodes.virtual.kvm import QemuPower
from sbkernel.nodes.virtual.orders import SOCKET
from sbkernel.site import Site


@dataclass
class Subject:
    """The power of one node, and what is known of the node from behind."""

    power: Power
    wire: Wire
    powered: Callable[[], bool]
    starts: Callable[[], int]
    """How often the machine was reset, or power-cycled."""
    told: Callable[[], BootDevice | None]
    """What the machine was told to boot next."""
    reads_back: bool = True
    """Whether what boots next can be asked for; ipmi_sim keeps it and does not tell."""
    set_patience: Callable[[float], None] = lambda _seconds: None
    """Set how long an answer is waited for."""


def _ipmi(pool: Pool, login: BmcLogin) -> tuple[IpmiPower, Callable[[float], None]]:
    bmc = pool.get(login)

    def set_patience(seconds: float) -> None:
        bmc.answer_s = bmc.deadline_s = seconds

    return IpmiPower(bmc), set_patience


@contextlib.asynccontextmanager
async def _simulator(pool: Pool, _here: Path) -> AsyncIterator[Subject]:
    machine = PretendMachine()
    server = await serve(SimulatedBmc(machine, {USER: PASSWORD}))
    wire, port = await wires.udp(server.address[1])
    power, set_patience = _ipmi(pool, BmcLogin("n1", "127.0.0.1", port, USER, PASSWORD))
    yield Subject(
        power,
        wire,
        powered=lambda: machine.power,
        starts=lambda: sum(change in (PowerChange.RESET, PowerChange.CYCLE) for change in machine.controls),
        told=lambda: machine.boot.device if machine.boot else None,
        set_patience=set_patience,
    )
    server.close()


@contextlib.asynccontextmanager
async def _ipmi_sim(pool: Pool, here: Path) -> AsyncIterator[Subject]:
    words = {"boot pxe": BootDevice.NETWORK, "boot cdrom": BootDevice.CD}
    async with ipmi_sim.running(here) as sim:
        wire, port = await wires.udp(sim.port)
        power, set_patience = _ipmi(pool, replace(sim.login, port=port))
        yield Subject(
            power,
            wire,
            powered=lambda: sim.powered,
            starts=lambda: sim.sets().count("reset 1") + sim.sets().count("power 0"),
            told=lambda: words.get(next((s for s in reversed(sim.sets()) if s.startswith("boot")), "")),
            reads_back=False,
            set_patience=set_patience,
        )


@contextlib.asynccontextmanager
async def _qemu(_pool: Pool, here: Path) -> AsyncIterator[Subject]:
    with Site.open(here / "site") as site:
        mkvm(site, "n1", memory_mb=64, cpus=1)
        site.set("node", "n1", power="kvm")
        nodes = VirtualNodes(site)
        server = await nodes.serve()
        machine = await nodes.machine("n1")
        serial = bytearray()
        machine.on_serial = serial.extend
        wire = await wires.unix(here / "near.sock", site.run / SOCKET)
        power = QemuPower("n1", here / "near.sock")
        yield Subject(
            power,
            wire,
            # The BIOS of an empty machine says its name whenever it starts.
            powered=lambda: machine.pid is not None and b"SeaBIOS" in serial,
            starts=lambda: serial.count(b"SeaBIOS") - 1,
            told=lambda: machine.boot.device if machine.boot else None,
            set_patience=lambda seconds: setattr(power, "answer_s", seconds),
        )
        server.close()
        await nodes.close()


@contextlib.asynccontextmanager
async def _redfish(word: str, here: Path) -> AsyncIterator[Subject]:
    machine = PretendMachine()
    bmc = SimulatedRedfish(machine, {"admin": "s3cret"})
    server = await serve_redfish(bmc, context=tls())
    wire, port = await wires.https(server.address[1])
    with Site.open(here / "site") as site, contextlib.closing(Hardware(site)) as hardware:
        address = {"bmc": f"127.0.0.1:{port}", "bmcusername": "admin", "bmcpassword": "s3cret"}
        site.set("node", "n1", groups="all", mgt=word, **address)
        power = (await hardware.powers(["n1"]))["n1"]
        assert not isinstance(power, SbkernelError)
        redfish, either, ipmi = (hardware._methods[word] for word in ("redfish", "auto", "ipmi"))
        clients = [redfish.bmc(redfish.login(site.nodes["n1"])), ipmi._pool.get(ipmi.login(site.nodes["n1"]))]

        def set_patience(seconds: float) -> None:
            either.look_s = seconds
            for client in clients:
                client.answer_s = client.deadline_s = seconds

        yield Subject(
            power,
            wire,
            powered=lambda: machine.power,
            starts=lambda: sum(change in (PowerChange.RESET, PowerChange.CYCLE) for change in machine.controls),
            told=lambda: machine.boot.device if machine.boot else None,
            set_patience=set_patience,
        )
        await hardware.log_out()
    await server.close()


WAYS = {
    "ipmi-simulator": _simulator,
    "ipmi-ipmi_sim": _ipmi_sim,
    "kvm-qemu": _qemu,
    "redfish-simulator": lambda _pool, here: _redfish("redfish", here),
    "auto-simulator": lambda _pool, here: _redfish("auto", here),
}
"""By the word for the method, and by what is behind it."""
