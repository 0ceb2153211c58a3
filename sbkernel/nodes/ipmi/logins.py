"""How to log in to the BMCs of nodes, as the site says, and what it means when that fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.secret import resolve
from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import (
    ControlError,
    NoAnswerError,
    NoSlotError,
    RefusedError,
    UnknownUserError,
    WrongKeyError,
    WrongPasswordError,
)
from sbkernel.site import Site

DEFAULT_PORT = 623
PASSWORD_BYTES_MAX = 20
SHORT_PASSWORD_BYTES = 16
"""Passwords of IPMI 1.5, which is all that some BMCs keep."""
USER_BYTES_MAX = 16
KEY_BYTES_MAX = 20


@dataclass(frozen=True)
class BmcLogin:
    """Where a node's BMC is and how to log in; the password never shows in its representation."""

    node: str
    host: str
    port: int = DEFAULT_PORT
    user: bytes = b""
    password: bytes = field(default=b"", repr=False)
    kg: bytes | None = field(default=None, repr=False)
    """The BMC's key K_g; None: it has none."""

    @property
    def address(self) -> str:
        """The BMC's address for messages."""
        return self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"


def login(site: Site, node: Definition) -> BmcLogin:
    """Return a node's BMC login. Raises DefinitionError when something is missing."""
    host, port = address(node.name, node.get("bmc"))
    user, secret = site.bmc_login(node)
    name, password = user.encode(), secret.reveal().encode()
    _check_length(node.name, f"the user {user}", name, USER_BYTES_MAX, "bmcusername=USER")
    _check_length(node.name, "the password", password, PASSWORD_BYTES_MAX, "bmcpassword=file:PATH")
    return BmcLogin(node.name, host, port, name, password, _key(node))


def _key(node: Definition) -> bytes | None:
    """Return the key K_g of a node's BMC: text, or 0x and hexadecimal digits; None: it has none."""
    value = node.get("bmckg")
    if not value:
        return None
    text = resolve(value).reveal()
    try:
        key = bytes.fromhex(text[2:]) if text[:2].lower() == "0x" else text.encode()
    except ValueError:
        raise DefinitionError(
            f"{node.name}: the key bmckg begins with 0x and is not hexadecimal", hint="sb chdef NODE bmckg=file:PATH"
        ) from None
    _check_length(node.name, "the key bmckg", key, KEY_BYTES_MAX, "bmckg=file:PATH")
    return key or None


def _check_length(node: str, what: str, value: bytes, most: int, setting: str) -> None:
    if len(value) > most:
        raise DefinitionError(
            f"{node}: {what} of its BMC has {len(value)} bytes, IPMI allows {most}",
            hint=f"Give the BMC a shorter one, then: sb chdef NODE {setting}",
        )


def address(node: str, bmc: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """Split `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    if not bmc:
        raise DefinitionError(f"{node}: it has no bmc", hint="sb chdef NODE bmc=ADDRESS")
    host, separator, port = bmc.rpartition(":")
    if separator and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return bmc.strip("[]"), default_port


def login_error(login: BmcLogin, text: str | None) -> ControlError:
    """Return the error that pyghmi 1.6.19 means by the text it gives when a login fails."""
    node, bmc, said = login.node, login.address, text or ""
    if "Insufficient resources" in said:
        return NoSlotError(node, f"no free session on BMC {bmc}")
    if "wrong Kg" in said:
        text = "another key K_g than bmckg says" if login.kg else "a key K_g, and the node has no bmckg"
        return WrongKeyError(node, f"BMC {bmc} has {text}")
    if "password" in said or "integrity check" in said:
        longer = len(login.password) > SHORT_PASSWORD_BYTES
        hint = (
            f"It has {len(login.password)} bytes; some BMCs keep 16. {WrongPasswordError.hint_text}" if longer else None
        )
        return WrongPasswordError(node, f"wrong password for BMC {bmc}", hint=hint)
    if "Unauthorized name" in said:
        return UnknownUserError(node, f"user unknown to BMC {bmc}")
    return RefusedError(node, f"BMC {bmc} refused the login: {said}") if said else no_answer(login)


def no_answer(login: BmcLogin) -> NoAnswerError:
    """Return the error for a BMC that stays silent."""
    return NoAnswerError(login.node, f"no answer from BMC {login.address}")
