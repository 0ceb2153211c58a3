"""How to log in to the BMCs of nodes, as the site says."""

from __future__ import annotations

from collections.abc import Iterable

from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.nodes.bmc import DEFAULT_PORT, BmcLogin
from sbkernel.site import Site

PASSWORD_BYTES_MAX = 20
USER_BYTES_MAX = 16


def logins(site: Site, nodes: Iterable[str]) -> dict[str, BmcLogin | SbkernelError]:
    """Return each node's BMC login, or the error that says why there is none."""
    return {node: _login_or_error(site, node) for node in nodes}


def login(site: Site, node: str) -> BmcLogin:
    """Return one node's BMC login. Raises NotFoundError, or DefinitionError when something is missing."""
    host, port = address(node, site.nodes[node].get("bmc"))
    user, password = (part.encode() for part in _credentials(site, node))
    if len(user) > USER_BYTES_MAX or len(password) > PASSWORD_BYTES_MAX:
        raise DefinitionError(f"{node}: IPMI allows 16 bytes for the user of a BMC and 20 for its password")
    return BmcLogin(node, host, port, user, password)


def address(node: str, bmc: str) -> tuple[str, int]:
    """Split `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    if not bmc:
        raise DefinitionError(f"{node}: it has no bmc", hint=f"sb chdef {node} bmc=ADDRESS mgt=ipmi")
    host, separator, port = bmc.rpartition(":")
    if separator and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return bmc.strip("[]"), DEFAULT_PORT


def _credentials(site: Site, node: str) -> tuple[str, str]:
    user, password = site.bmc_login(node)
    return user, password.reveal()


def _login_or_error(site: Site, node: str) -> BmcLogin | SbkernelError:
    try:
        return login(site, node)
    except SbkernelError as error:
        return error
