"""The address of this server as a node sees it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sbkernel.definitions.definition import Definition
from sbkernel.errors import NodeError
from sbkernel.site import Site

# What a node says beyond the usual while it boots (site attribute xcatdebugmode).
_DEBUG = {
    "1": ("loglevel=7", "systemd.show_status=true"),
    "2": ("loglevel=7", "systemd.show_status=true", "sbkernel.shell"),
}
# The loopback of the host, as guests in QEMU's user network see it (qemu(1), -netdev user).
QEMU_HOST = "10.0.2.2"


@dataclass(frozen=True)
class Server:
    """Address and ports, whether nodes report their boot (site attribute nodestatus), and what they say of it.

    `images` is the address from which images are fetched, if that is another.
    """

    host: str
    http_port: int
    syslog_port: int
    takes_status: bool = True
    debug: tuple[str, ...] = ()
    images: str = ""

    @property
    def host_port(self) -> str:
        """Return the address of the HTTP server as HOST:PORT."""
        return f"{self.host}:{self.http_port}"

    def url(self, path: str) -> str:
        """Return the URL of a path that the server serves."""
        return f"http://{self.host_port}/{path}"

    def image_url(self, path: str) -> str:
        """Return the URL of a path in the catalog (node attribute nfsserver)."""
        return f"http://{self.images or self.host}:{self.http_port}/{path}"


@dataclass(frozen=True)
class SiteServer:
    """The settings of a site that are the same for all nodes; they are read once."""

    address: str
    http_port: int
    syslog_port: int
    takes_status: bool
    debug: tuple[str, ...] = ()

    @classmethod
    def of(cls, site: Site) -> SiteServer:
        """Read the settings of a site."""
        quiet = site.attribute("nodestatus") in ("n", "0")
        debug = _DEBUG.get(site.attribute("xcatdebugmode"), ())
        return cls(site.address, site.http_port, site.syslog_port, not quiet, debug)

    def seen_by(self, node: Definition) -> Server:
        """Return the server as a node sees it. A guest in QEMU's user network has its own address for it.

        Raises NodeError if neither the node nor the site names an address. The loopback is of no use to a node.
        """
        host = QEMU_HOST if node.get("vmnics") == "user" else node.get("xcatmaster") or self.address
        if not host:
            raise NodeError(
                node.name,
                "it has no address of this host",
                hint=f"sb chdef -t site clustersite master=ADDRESS, or sb chdef {node.name} xcatmaster=ADDRESS",
            )
        images = "" if host == QEMU_HOST else node.get("nfsserver").replace("<xcatmaster>", host)
        return Server(host, self.http_port, self.syslog_port, self.takes_status, self.debug, images)
