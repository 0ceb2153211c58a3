"""The server as one node sees it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sbkernel.definitions.definition import Definition
from sbkernel.errors import NodeError
from sbkernel.site import Site

# QEMU's name, in its user network, for the loopback of the host (qemu(1), -netdev user).
QEMU_HOST = "10.0.2.2"


@dataclass(frozen=True)
class Server:
    """Address and ports, and whether it wants to hear how the boot goes (site attribute nodestatus)."""

    host: str
    http_port: int
    syslog_port: int
    takes_status: bool = True

    @property
    def host_port(self) -> str:
        """Return where HTTP is served."""
        return f"{self.host}:{self.http_port}"

    def url(self, path: str) -> str:
        """Return the URL of a path below the top of what is served."""
        return f"http://{self.host_port}/{path}"


@dataclass(frozen=True)
class SiteServer:
    """What all nodes of a site see alike; read once for many nodes."""

    address: str
    http_port: int
    syslog_port: int
    takes_status: bool

    @classmethod
    def of(cls, site: Site) -> SiteServer:
        """Read the settings of a site."""
        quiet = site.attribute("nodestatus") in ("n", "0")
        return cls(site.address, site.http_port, site.syslog_port, not quiet)

    def seen_by(self, node: Definition) -> Server:
        """Return the server as a node sees it: a guest in QEMU's user network has its own name for it.

        Raises NodeError if neither the node nor the site names an address: no node would find us at our loopback.
        """
        host = QEMU_HOST if node.get("vmnics") == "user" else node.get("xcatmaster") or self.address
        if not host:
            raise NodeError(
                node.name,
                "no address at which it reaches this host",
                hint=f"sb chdef -t site clustersite master=ADDRESS, or sb chdef {node.name} xcatmaster=ADDRESS",
            )
        return Server(host, self.http_port, self.syslog_port, self.takes_status)
