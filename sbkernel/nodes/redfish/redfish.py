"""Control over Redfish (mgt=redfish, mgt=openbmc): power, boot device and console of nodes by their BMCs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sbkernel.definitions.definition import Definition
from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.power import BootOverride, PowerChange
from sbkernel.nodes.redfish import system as systems
from sbkernel.nodes.redfish.answers import Document, text
from sbkernel.nodes.redfish.bmc import FRESH_S, RedfishBmc
from sbkernel.nodes.redfish.logins import ATTRIBUTES, RedfishLogin, login
from sbkernel.nodes.redfish.maintenance import RedfishMaintenance
from sbkernel.nodes.redfish.sshconsole import SshConsole
from sbkernel.nodes.redfish.trust import Pins
from sbkernel.site import Site

_AT_ONCE = 1024
"""Each is a connection, and those of a busy processor time out when there are many more."""
_CONSOLE = (*ATTRIBUTES, "bmchostkey")


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

    def status_now(self, _heard: Callable[[bool | None], None], /) -> bool:
        """Return False: every question is a connection."""
        return False

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
        self._host_keys = Pins(site, "bmchostkey")
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._bmcs: dict[str, RedfishBmc] = {}
        self._consoles: dict[str, SshConsole] = {}

    def console_key(self, node: Definition, /) -> tuple[str, ...] | None:
        """Return what a definition says of the way to its console; None: it has no BMC."""
        return tuple(node.peek(name) for name in _CONSOLE) if node.peek("bmc") else None

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

    def console(self, login: RedfishLogin) -> SshConsole:
        """Return the console of a node; the same one as long as its BMC is."""
        bmc = self.bmc(login)
        known = self._consoles.get(login.node)
        if known is None or known.bmc is not bmc:
            known = self._consoles[login.node] = SshConsole(bmc, self._host_keys.keep)
        known.trust(login)
        return known

    def close(self) -> None:
        """Do nothing: log_out closes the connections."""

    async def log_out(self) -> None:
        """Delete all sessions."""
        await asyncio.gather(*(bmc.end() for bmc in self._bmcs.values()), return_exceptions=True)
        self._bmcs.clear()
