"""How to log in to the BMCs of nodes, as the site says, and what it means when that fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import (
    ControlError,
    NoAnswerError,
    NoSlotError,
    RefusedError,
    UnknownUserError,
    WrongPasswordError,
)
from sbkernel.site import Site

DEFAULT_PORT = 623
PASSWORD_BYTES_MAX = 20
USER_BYTES_MAX = 16


@dataclass(frozen=True)
class BmcLogin:
    """Where a node's BMC is and how to log in; the password never shows in its representation."""

    node: str
    host: str
    port: int = DEFAULT_PORT
    user: bytes = b""
    password: bytes = field(default=b"", repr=False)

    @property
    def address(self) -> str:
        """The BMC's address for messages."""
        return self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"


def login(site: Site, node: Definition) -> BmcLogin:
    """Return a node's BMC login. Raises DefinitionError when something is missing."""
    host, port = address(node.name, node.get("bmc"))
    user, secret = site.bmc_login(node.name)
    name, password = user.encode(), secret.reveal().encode()
    if len(name) > USER_BYTES_MAX or len(password) > PASSWORD_BYTES_MAX:
        raise DefinitionError(
            f"{node.name}: IPMI allows 16 bytes for the user of a BMC and 20 for its password",
            hint="Give the BMC a shorter one, then: sb chdef NODE bmcusername=USER bmcpassword=file:PATH",
        )
    return BmcLogin(node.name, host, port, name, password)


def address(node: str, bmc: str) -> tuple[str, int]:
    """Split `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    if not bmc:
        raise DefinitionError(f"{node}: it has no bmc", hint="sb chdef NODE bmc=ADDRESS")
    host, separator, port = bmc.rpartition(":")
    if separator and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return bmc.strip("[]"), DEFAULT_PORT


def login_error(login: BmcLogin, text: str | None) -> ControlError:
    """Return the error that pyghmi 1.6.19 means by the text it gives when a login fails."""
    node, bmc, said = login.node, login.address, text or ""
    if "Insufficient resources" in said:
        return NoSlotError(node, f"no free session on BMC {bmc}")
    if "password" in said or "integrity check" in said:
        return WrongPasswordError(node, f"wrong password for BMC {bmc}")
    if "Unauthorized name" in said:
        return UnknownUserError(node, f"user unknown to BMC {bmc}")
    return RefusedError(node, f"BMC {bmc} refused the login: {said}") if said else no_answer(login)


def no_answer(login: BmcLogin) -> NoAnswerError:
    """Return the error for a BMC that stays silent."""
    return NoAnswerError(login.node, f"no answer from BMC {login.address}")
