"""Control over Redfish where a BMC has it, else over IPMI (mgt=auto); what was found out is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.nodes.ipmi.ipmi import Ipmi
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.ipmi.solconsole import SolConsole
from sbkernel.nodes.maintenance import Item, LogEntry, Maintenance, Reading
from sbkernel.nodes.power import BootOverride, Power, PowerChange
from sbkernel.nodes.redfish.bmc import has_redfish
from sbkernel.nodes.redfish.logins import RedfishLogin
from sbkernel.nodes.redfish.redfish import Redfish

LOOK_S = 3.0
"""How long a BMC may take to say that it has Redfish."""
_LOOKS = 1024
"""So many are asked at once: each is a connection."""


@dataclass(frozen=True)
class EitherLogin:
    """Both ways to a node's BMC; instead of the one over IPMI why there is none, e.g. a password that is too long."""

    redfish: RedfishLogin
    ipmi: BmcLogin | DefinitionError


class EitherPower:
    """The power of a node (a Power), by the way that its BMC has."""

    def __init__(self, ways: Either, login: EitherLogin) -> None:
        self.node = login.redfish.node
        self._ways = ways
        self._login = login

    async def status(self) -> bool:
        """Return whether the node has power."""
        return await (await self._power()).status()

    def status_now(self, heard: Callable[[bool | None], None]) -> bool:
        """Ask for the power at once if it is known to be over IPMI; say whether it was asked."""
        power = self._ways.known_power_of(self._login)
        return power is not None and power.status_now(heard)

    async def change(self, change: PowerChange) -> None:
        """Send one change, once."""
        await (await self._power()).change(change)

    async def boot(self) -> BootOverride | None:
        """Return what boots next."""
        return await (await self._power()).boot()

    async def set_boot(self, override: BootOverride | None) -> None:
        """Set what boots next."""
        await (await self._power()).set_boot(override)

    async def _power(self) -> Power:
        return await self._ways.power_of(self._login)


class EitherMaintenance:
    """The hardware of a node (a Maintenance), by the way that its BMC has."""

    def __init__(self, ways: Either, login: EitherLogin) -> None:
        self.node = login.redfish.node
        self._ways = ways
        self._login = login

    async def inventory(self) -> list[Item]:
        """Return what the node is made of."""
        return await (await self._hardware()).inventory()

    async def readings(self) -> list[Reading]:
        """Return what its sensors say."""
        return await (await self._hardware()).readings()

    async def events(self) -> list[LogEntry]:
        """Return the event log, oldest first."""
        return await (await self._hardware()).events()

    async def clear_events(self) -> None:
        """Empty the event log."""
        await (await self._hardware()).clear_events()

    async def beacon(self) -> str:
        """Return the state of the light."""
        return await (await self._hardware()).beacon()

    async def set_beacon(self, state: str) -> None:
        """Switch the light."""
        await (await self._hardware()).set_beacon(state)

    async def _hardware(self) -> Maintenance:
        return await self._ways.maintenance_of(self._login)


class Either:
    """The nodes of a site whose BMCs may have Redfish (a Method); it shares the sessions of both ways."""

    def __init__(self, ipmi: Ipmi, redfish: Redfish) -> None:
        self._ipmi = ipmi
        self._redfish = redfish
        self.look_s = LOOK_S
        self._looking = asyncio.Semaphore(_LOOKS)
        self._has_redfish: dict[tuple[str, int], bool] = {}

    def console_key(self, node: Definition) -> tuple[str, ...] | None:
        """Return what a definition says of the way to its console, which is serial over LAN."""
        return self._ipmi.console_key(node)

    def login(self, node: Definition) -> EitherLogin:
        """Return how to log in to a node's BMC. Raises DefinitionError when its address or password is missing."""
        redfish = self._redfish.login(node)
        try:
            return EitherLogin(redfish, self._ipmi.login(node))
        except DefinitionError as error:
            return EitherLogin(redfish, error)

    def power(self, login: EitherLogin) -> EitherPower:
        """Return the power of a node."""
        return EitherPower(self, login)

    def maintenance(self, login: EitherLogin) -> EitherMaintenance:
        """Return what is known of the hardware of a node."""
        return EitherMaintenance(self, login)

    def console(self, login: EitherLogin) -> SolConsole:
        """Return the console of a node over IPMI. Raises DefinitionError when IPMI cannot log in."""
        return self._ipmi.console(_usable(login.ipmi))

    async def power_of(self, login: EitherLogin) -> Power:
        """Return the power of a node by the way that its BMC has. Raises DefinitionError when that cannot log in."""
        if await self.uses_redfish(login.redfish):
            return self._redfish.power(login.redfish)
        return self._ipmi.power(_usable(login.ipmi))

    def known_power_of(self, login: EitherLogin) -> Power | None:
        """Return the power of a node that is known to have no Redfish; None of all others."""
        where = login.redfish.host, login.redfish.port
        if login.redfish.fingerprint or self._has_redfish.get(where, True) or isinstance(login.ipmi, DefinitionError):
            return None
        return self._ipmi.power(login.ipmi)

    async def maintenance_of(self, login: EitherLogin) -> Maintenance:
        """Return the hardware of a node by the way that its BMC has. Raises as power_of does."""
        if await self.uses_redfish(login.redfish):
            return self._redfish.maintenance(login.redfish)
        return self._ipmi.maintenance(_usable(login.ipmi))

    async def uses_redfish(self, login: RedfishLogin) -> bool:
        """Tell whether a BMC has Redfish. One whose certificate the site knows has: it is never left for IPMI.

        What a silent one has is asked again the next time.
        """
        where = login.host, login.port
        if login.fingerprint:
            return True
        if where not in self._has_redfish:
            async with self._looking:
                found = await has_redfish(login, self.look_s)
            if found is None:
                return False
            self._has_redfish[where] = found
        return self._has_redfish[where]

    def close(self) -> None:
        """Do nothing: the two ways are closed by themselves."""

    async def log_out(self) -> None:
        """Do nothing: the two ways log out by themselves."""


def _usable(login: BmcLogin | DefinitionError) -> BmcLogin:
    if isinstance(login, DefinitionError):
        raise login
    return login
