"""Control over Redfish (mgt=redfish, mgt=openbmc): power and boot device of nodes by their BMCs."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.fanout import AT_ONCE
from sbkernel.nodes.power import BootOverride, PowerChange
from sbkernel.nodes.redfish import system as systems
from sbkernel.nodes.redfish.answers import Document, text
from sbkernel.nodes.redfish.bmc import FRESH_S, RedfishBmc
from sbkernel.nodes.redfish.logins import RedfishLogin, login
from sbkernel.nodes.redfish.maintenance import RedfishMaintenance
from sbkernel.nodes.redfish.trust import Pins
from sbkernel.site import Site


class RedfishPower:
    """The power of a node as its Redfish service has it (a Power)."""

    def __init__(self, bmc: RedfishBmc) -> None:
        self._bmc = bmc

    @property
    def node(self) -> str:
        """The name of the node."""
        return self._bmc.login.node

    async def status(self) -> bool:
        """Return whether the node has power."""
        return systems.powered(self.node, (await self._bmc.system()).document)

    async def change(self, change: PowerChange) -> None:
        """Ask for the ResetType that makes the change; the BMC acts after it has answered."""
        action = systems.reset_action((await self._bmc.system(fresh_s=FRESH_S)).document)
        target = text(action, "target")
        if not target:
            raise RefusedError(self.node, "its BMC offers no way to switch power")
        wanted = systems.reset_type(self.node, change, systems.allowed_resets(action, await self._info(action)))
        await self._bmc.change("POST", target, {"ResetType": wanted})

    async def boot(self) -> BootOverride | None:
        """Return what boots next."""
        return systems.decode_boot((await self._bmc.system()).document)

    async def set_boot(self, override: BootOverride | None) -> None:
        """Set what boots next; it is refused when somebody else changed the system meanwhile."""
        system = await self._bmc.system(fresh_s=FRESH_S)
        wanted = systems.encode_boot(self.node, override, system.document)
        await self._bmc.change_system(wanted, system.etag)

    async def _info(self, action: Document) -> Document:
        """Return what the ActionInfo of an action says; {} where the action says it all, or has none."""
        path = text(action, "@Redfish.ActionInfo")
        if not path or systems.allowed_resets(action, {}):
            return {}
        return (await self._bmc.get(path)).document


class Redfish:
    """The nodes of a site that are reached over Redfish, one RedfishBmc each (a Method)."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pins = Pins(site)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._bmcs: dict[str, RedfishBmc] = {}

    def console_key(self, _node: Definition, /) -> None:
        """Return None: Redfish itself has no consoles."""

    def login(self, node: Definition) -> RedfishLogin:
        """Return how to log in to a node's BMC. Raises DefinitionError when its address or password is missing."""
        return login(self._site, node)

    def bmc(self, login: RedfishLogin) -> RedfishBmc:
        """Return the node's BMC; a new one when its address, user, password or system has changed."""
        known = self._bmcs.get(login.node)
        if known is not None and known.login == login:
            known.trust(login)
            return known
        if known is not None:
            known.end_soon()
        bmc = self._bmcs[login.node] = RedfishBmc(login, self._gate, self._pins.keep)
        return bmc

    def power(self, login: RedfishLogin) -> RedfishPower:
        """Return the power of a node."""
        return RedfishPower(self.bmc(login))

    def maintenance(self, login: RedfishLogin) -> RedfishMaintenance:
        """Return what is known of the hardware of a node."""
        return RedfishMaintenance(self.bmc(login))

    def console(self, login: RedfishLogin) -> NoReturn:
        """Raise DefinitionError."""
        raise DefinitionError(
            f"{login.node}: Redfish carries no console",
            hint="Most such BMCs have serial over LAN, too: sb chdef NODE cons=ipmi",
        )

    def close(self) -> None:
        """Do nothing: log_out closes the connections."""

    async def log_out(self) -> None:
        """Delete all sessions."""
        await asyncio.gather(*(bmc.end() for bmc in self._bmcs.values()), return_exceptions=True)
        self._bmcs.clear()
