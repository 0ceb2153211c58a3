"""How nodes are reached: the one place that says which method (mgt, power, cons of a node) is which implementation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.secret import is_reference
from sbkernel.definitions.store.interface import Changed
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.nodes.ipmi.ipmi import Ipmi
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.maintenance import Maintenance
from sbkernel.nodes.power import Power
from sbkernel.site import Site

T = TypeVar("T")


class Console(Protocol):
    """The serial console of one node: stays connected once opened, never blocks who types."""

    on_bytes: Callable[[bytes], None]
    """Called with what the node writes."""
    on_event: Callable[[str], None]
    """Called with a line, such as `console connected`, whenever the connection changes."""
    steal: bool
    """Take the console away from another session that holds it, the next time it is opened."""

    @property
    def connected(self) -> bool:
        """Whether bytes flow."""
        ...

    def keep(self) -> None:
        """Start connecting in the background, and stay connected until close()."""
        ...

    async def open(self, timeout_s: float | None = None) -> None:
        """Do as keep, and return when connected; TimeoutError when that takes longer, which does not end trying."""
        ...

    def write(self, data: bytes) -> None:
        """Type; what is typed while there is no connection is lost, as on a serial line."""
        ...

    async def close(self) -> None:
        """Give the console back."""
        ...


class Method(Protocol):
    """One way to reach nodes; it holds what they share, such as sessions. Lives on one event loop."""

    def console_key(self, node: Definition, /) -> tuple[str, ...] | None:
        """Return what a definition says of the way to its console, to tell when that changes; None: it has none."""
        ...

    def login(self, node: Definition) -> Any:
        """Return what it takes to reach a node: an address, a password.

        Reads the store and where it keeps passwords, which may take long: it runs in a thread. Raises DefinitionError
        when something is missing.
        """
        ...

    def power(self, login: Any) -> Power:
        """Return the power of the node that a login is for."""
        ...

    def maintenance(self, login: Any) -> Maintenance:
        """Return what is known of the hardware of the node. Raises DefinitionError when this way knows nothing."""
        ...

    def console(self, login: Any) -> Console:
        """Return the console of the node that a login is for; the same object as long as the login is the same."""
        ...

    async def log_out(self) -> None:
        """End the sessions of which the other end must hear; it does not raise."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


_SECRETS = ("bmcpassword", "bmckg")
METHODS = ("ipmi", "redfish", "openbmc", "auto", "kvm")
"""The words for methods; openbmc is redfish by xCAT's name for one make."""


class Methods:
    """The methods of a site by their words, sharing the sessions with a BMC.

    Each is made, and imported, when the first node needs it: most sites have one kind, and wait for the others in vain.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._made: dict[str, Method] = {}
        # Logins are read in threads.
        self._turn = threading.RLock()

    def __contains__(self, word: object) -> bool:
        return word in METHODS

    def __getitem__(self, word: str) -> Method:
        known = self._made.get(word)
        if known is not None:
            return known
        with self._turn:
            if word not in self._made:
                self._made[word] = self._make(word)
            return self._made[word]

    def made(self) -> set[Method]:
        """Return those that some node has needed."""
        return set(self._made.values())

    def _make(self, word: str) -> Method:
        if word == "ipmi":
            return Ipmi(self._site)
        if word == "kvm":
            from sbkernel.nodes.virtual.kvm import Kvm

            return Kvm(self._site)
        if word == "openbmc":
            return self["redfish"]
        from sbkernel.nodes.redfish.redfish import Redfish

        if word == "redfish":
            return Redfish(self._site)
        from sbkernel.nodes.either import Either

        ipmi, redfish = self["ipmi"], self["redfish"]
        if not isinstance(ipmi, Ipmi) or not isinstance(redfish, Redfish):
            raise TypeError("mgt=auto is IPMI or Redfish")
        return Either(ipmi, redfish)


Word = Callable[[Definition], str]
"""Says which method of a node is meant. Raises DefinitionError or NotFoundError."""
Reach = tuple[Method, Any]


class Logins:
    """How to log in to nodes; what the store said is used again as long as it says so."""

    def __init__(self, site: Site, methods: Methods) -> None:
        self._site = site
        self._methods = methods
        self._turn = threading.Lock()
        self._since: int | None = None
        self._known: dict[tuple[Word, str], Reach] = {}
        self._elsewhere = False

    def of(self, names: Sequence[str], word_of: Word) -> dict[str, Reach | SbkernelError]:
        """Return method and login of each node, or why it cannot be reached. Reads, and may take long."""
        with self._turn:
            self._forget()
            nodes = self._site.nodes.many([name for name in names if (word_of, name) not in self._known])
            found: dict[str, Reach | SbkernelError] = {}
            for name in names:
                found[name] = self._known.get((word_of, name)) or self._login(name, nodes.get(name), word_of)
            return found

    def _login(self, name: str, node: Definition | None, word_of: Word) -> Reach | SbkernelError:
        if node is None:
            return NotFoundError(f"{name}: there is no node of that name", hint="sb lsdef")
        try:
            method = self._methods[word_of(node)]
            login = method.login(node)
        except SbkernelError as error:
            return error
        # A password that is kept elsewhere changes without a word to the store.
        if isinstance(login, BmcLogin) and not self._elsewhere and not any(map(is_reference, map(node.peek, _SECRETS))):
            self._known[word_of, name] = method, login
        return method, login

    def _forget(self) -> None:
        """Forget the nodes that have changed; everything, if it was anything else."""
        store = self._site.store
        found = Changed(store.revision(), None) if self._since is None else store.changed(self._since)
        self._since = found.revision
        if found.objects is None or any(objtype != "node" for objtype, _name in found.objects):
            self._known.clear()
            passwords = store.objects("passwd").values()
            self._elsewhere = any(is_reference(one.get("password", "")) for one in passwords)
            return
        gone = {name for _objtype, name in found.objects}
        for key in [key for key in self._known if key[1] in gone] if gone else ():
            del self._known[key]


class Hardware:
    """The nodes of a site as hardware, each reached as it is defined now."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._methods = Methods(site)
        self._logins = Logins(site, self._methods)

    async def powers(self, names: Iterable[str]) -> dict[str, Power | SbkernelError]:
        """Return the power of each node, or the error that says why it cannot be reached."""
        return await self._each(names, power_word, lambda method, login: method.power(login))

    async def maintenances(self, names: Iterable[str]) -> dict[str, Maintenance | SbkernelError]:
        """Return what is known of the hardware of each node, or the error that says why nothing is."""
        return await self._each(names, management_word, lambda method, login: method.maintenance(login))

    async def consoles(self, names: Iterable[str]) -> dict[str, Console | SbkernelError]:
        """Return the console of each node, or the error that says why it has none."""
        return await self._each(names, self._console_word, lambda method, login: method.console(login))

    def console_key(self, node: Definition) -> tuple[str, ...] | None:
        """Return what a definition says of its console, to tell when that changes; None: it has none.

        What cannot be computed counts as unset: this is asked of all nodes.
        """
        word = _console_attribute(node)
        key = self._methods[word].console_key(node) if word in self._methods else None
        return None if key is None else (word, *key)

    async def log_out(self) -> None:
        """Tell all BMCs that their sessions are over."""
        await asyncio.gather(*(method.log_out() for method in self._methods.made()))

    def close(self) -> None:
        """Let go of all sessions."""
        for method in self._methods.made():
            method.close()

    def _console_word(self, node: Definition) -> str:
        """Return the method of a console: `cons`, else `mgt` when serialport is set. The error's text is xCAT's."""
        word = _console_attribute(node)
        if word not in self._methods:
            raise NotFoundError(
                f"{node.name}: ignore, cons attribute or serialport attribute is not specified.",
                hint=f"set how its console is reached: sb chdef {node.name} cons=ipmi bmc=ADDRESS",
            )
        return word

    async def _each(
        self, names: Iterable[str], word_of: Callable[[Definition], str], reach: Callable[[Method, Any], T]
    ) -> dict[str, T | SbkernelError]:
        found = await asyncio.to_thread(self._logins.of, list(names), word_of)
        return {name: one if isinstance(one, SbkernelError) else _reached(reach, *one) for name, one in found.items()}


def _console_attribute(node: Definition) -> str:
    return node.peek("cons") or (node.peek("mgt") if node.peek("serialport") else "")


def _reached(reach: Callable[[Method, Any], T], method: Method, login: Any) -> T | SbkernelError:
    try:
        return reach(method, login)
    except DefinitionError as error:
        return error


def power_word(node: Definition) -> str:
    """Return the method of a node's power: `power`, else `mgt`. Raises DefinitionError when we have none such."""
    return _word(node, "power" if node.get("power") else "mgt", "nodehm.power,mgt")


def management_word(node: Definition) -> str:
    """Return the method of all else that a node's controller does. Raises DefinitionError as power_word does."""
    return _word(node, "mgt", "nodehm.mgt")


def _word(node: Definition, attribute: str, columns: str) -> str:
    """Return the method that an attribute names. The text for a node without any is xCAT's."""
    word = node.get(attribute)
    if not word:
        raise DefinitionError(
            f"{node.name}: Unable to identify plugin for this command, check relevant tables: {columns}",
            hint="Say how it is controlled: sb chdef NODE mgt=ipmi bmc=ADDRESS",
        )
    if word not in METHODS:
        raise DefinitionError(
            f"{node.name}: {attribute}={word} is not supported, only {', '.join(METHODS)}",
            hint=f"If one of these reaches it, too: sb chdef NODE {attribute}=METHOD",
        )
    return word
