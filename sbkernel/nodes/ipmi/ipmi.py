"""Control over IPMI (mgt=ipmi): power and consoles of nodes by their BMCs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from sbkernel.definitions.definition import Definition
from sbkernel.nodes.failures import LostAnswerError, RefusedError
from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.ipmi.bmc import Bmc
from sbkernel.nodes.ipmi.logins import BmcLogin, login
from sbkernel.nodes.ipmi.solconsole import SolConsole
from sbkernel.nodes.ipmi.transport import Transport
from sbkernel.nodes.power import BootOverride, PowerChange
from sbkernel.site import Site

if TYPE_CHECKING:
    from sbkernel.nodes.ipmi.maintenance import IpmiMaintenance

_LOGIN = ("bmc", "bmcusername", "bmcpassword", "bmckg", "mgt")


class Pool:
    """The BMCs of a process, one Bmc a node, so that everybody who talks to one shares its session."""

    def __init__(self) -> None:
        self._transport = Transport()
        self._bmcs: dict[str, Bmc] = {}

    def get(self, login: BmcLogin) -> Bmc:
        """Return the node's BMC; a new one when its address, user or password has changed."""
        known = self._bmcs.get(login.node)
        if known is not None and known.login == login:
            return known
        if known is not None:
            known.close()
        bmc = self._bmcs[login.node] = Bmc(login, self._transport)
        return bmc

    def close(self) -> None:
        """Log out everywhere and close the sockets."""
        for bmc in self._bmcs.values():
            bmc.close()
        self._bmcs.clear()
        self._transport.close()


class IpmiPower:
    """The power of a node as its BMC has it (a Power)."""

    def __init__(self, bmc: Bmc) -> None:
        self._bmc = bmc

    @property
    def node(self) -> str:
        """The name of the node."""
        return self._bmc.login.node

    async def status(self) -> bool:
        """Return whether the node has power."""
        return chassis.powered(await self._bmc.ask(chassis.NETFN_CHASSIS, chassis.GET_STATUS))

    def status_now(self, heard: Callable[[bool | None], None]) -> bool:
        """Ask for the power on a session that is open; say whether one is."""

        def told(data: bytes | None) -> None:
            heard(chassis.powered(data) if data else None)

        return self._bmc.ask_now(chassis.NETFN_CHASSIS, chassis.GET_STATUS, told)

    async def change(self, change: PowerChange) -> None:
        """Switch power, reset, or send an NMI; the BMC acts after it has answered."""
        await self._bmc.tell(chassis.NETFN_CHASSIS, chassis.CONTROL, bytes((chassis.CONTROLS[change],)))

    async def boot(self) -> BootOverride | None:
        """Return what boots next."""
        request = bytes((chassis.BOOT_FLAGS, 0, 0))
        return chassis.decode_boot((await self._bmc.ask(chassis.NETFN_CHASSIS, chassis.GET_BOOT_OPTIONS, request))[2:])

    async def set_boot(self, override: BootOverride | None) -> None:
        """Set what boots next; the BMC keeps it for longer than the 60 seconds that are the default."""
        # A BMC that did not take parameter 3 forgets the flags after 60 s without a power command; no reason to stop.
        with contextlib.suppress(RefusedError, LostAnswerError):
            await self._set_option(chassis.VALID_BIT_CLEARING, bytes((chassis.KEEP_ON_TIMEOUT,)))
        await self._set_option(chassis.BOOT_FLAGS, chassis.encode_boot(override))

    async def _set_option(self, parameter: int, value: bytes) -> None:
        await self._bmc.tell(chassis.NETFN_CHASSIS, chassis.SET_BOOT_OPTIONS, bytes((parameter,)) + value)


class Ipmi:
    """The nodes of a site that are reached over IPMI; power and console of one share its session (a Method)."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pool = Pool()
        self._consoles: dict[str, SolConsole] = {}

    def console_key(self, node: Definition) -> tuple[str, ...] | None:
        """Return what a definition says of the way to its console; None: it has no BMC."""
        return tuple(node.peek(name) for name in _LOGIN) if node.peek("bmc") else None

    def login(self, node: Definition) -> BmcLogin:
        """Return how to log in to a node's BMC. Raises DefinitionError when its address or password is missing."""
        return login(self._site, node)

    def power(self, login: BmcLogin) -> IpmiPower:
        """Return the power of a node."""
        return IpmiPower(self._pool.get(login))

    def maintenance(self, login: BmcLogin) -> IpmiMaintenance:
        """Return what is known of the hardware of a node."""
        # pyghmi's knowledge of sensors and of single makes is half of what a service imports before its first answer.
        from sbkernel.nodes.ipmi.maintenance import IpmiMaintenance

        return IpmiMaintenance(self._pool.get(login))

    def console(self, login: BmcLogin) -> SolConsole:
        """Return the console of a node; the same one as long as its BMC is."""
        bmc = self._pool.get(login)
        known = self._consoles.get(login.node)
        if known is None or known.bmc is not bmc:
            known = self._consoles[login.node] = SolConsole(bmc)
        return known

    async def log_out(self) -> None:
        """Do nothing: close() says it in one datagram each."""

    def close(self) -> None:
        """Log out of all BMCs."""
        self._pool.close()
