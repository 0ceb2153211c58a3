"""The servers of a node: the one that it boots from, as the node sees it, and those that stand in for it. Pure."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable
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
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True)
class Server:
    """Address and ports, whether nodes report their boot (site attribute nodestatus), and what they say of it.

    `images` is the address from which images are fetched, if that is another, and `log_host` the one that takes log
    lines. `others` are the servers, as HOST:PORT, to which a node turns when this one is dead, the nearest first.
    """

    host: str
    http_port: int
    syslog_port: int
    takes_status: bool = True
    debug: tuple[str, ...] = ()
    images: str = ""
    others: tuple[str, ...] = ()
    log_host: str = ""

    @property
    def host_port(self) -> str:
        """Return the address of the HTTP server as HOST:PORT."""
        return f"{self.host}:{self.http_port}"

    @property
    def image_servers(self) -> tuple[str, ...]:
        """Return every server of images as HOST:PORT in the order in which a node tries them."""
        first = f"{self.images or self.host}:{self.http_port}"
        return tuple(dict.fromkeys((first, *((self.host_port, *self.others) if self.others else ()))))

    def url(self, path: str) -> str:
        """Return the URL of a path that the server serves."""
        return f"http://{self.host_port}/{path}"

    def image_url(self, path: str) -> str:
        """Return the URL of a path in the catalog (node attribute nfsserver)."""
        return f"http://{self.image_servers[0]}/{path}"


@dataclass(frozen=True)
class SiteServer:
    """The settings of a site that are the same for all nodes; they are read once.

    `ip_of` gives the address of a node of the site, "" for what is none; `networks` are those of the site.
    """

    address: str
    http_port: int
    syslog_port: int
    takes_status: bool
    debug: tuple[str, ...] = ()
    ip_of: Callable[[str], str] = lambda _name: ""
    networks: tuple[ipaddress.IPv4Network, ...] = ()

    @classmethod
    def of(cls, site: Site) -> SiteServer:
        """Read the settings of a site."""
        quiet = site.attribute("nodestatus") in ("n", "0")
        debug = _DEBUG.get(site.attribute("xcatdebugmode"), ())
        networks = filter(None, map(block_of, site.networks.values()))

        @functools.cache
        def ip_of(name: str) -> str:
            return site.nodes[name].get("ip") if name in site.nodes else ""

        return cls(site.address, site.http_port, site.syslog_port, not quiet, debug, ip_of, tuple(networks))

    def seen_by(self, node: Definition) -> Server:
        """Return the server as a node sees it. A guest in QEMU's user network has its own address for it.

        xcatmaster is the first, then come the service nodes, those in the node's own network before the others, and
        then this host. Raises NodeError if none has an address. The loopback is of no use to a node.
        """
        here = QEMU_HOST if node.get("vmnics") == "user" else ""
        master = "" if here else node.get("xcatmaster")
        found = self._service_nodes(node)
        hosts = [master, *found, here or self.address] if found else [here or master or self.address]
        servers = list(dict.fromkeys(filter(None, hosts)))
        if not servers:
            raise NodeError(
                node.name,
                "it has no address of this host",
                hint=f"sb chdef -t site clustersite master=ADDRESS, or sb chdef {node.name} xcatmaster=ADDRESS",
            )
        host, port = self._split(servers[0])
        return Server(
            host,
            port,
            self.syslog_port,
            self.takes_status,
            self.debug,
            "" if host == QEMU_HOST else node.get("nfsserver").replace("<xcatmaster>", host),
            tuple(":".join(map(str, self._split(other))) for other in servers[1:]),
            # A cache passes on what nodes post, and no log lines.
            (here or self.address) if found else "",
        )

    def _service_nodes(self, node: Definition) -> list[str]:
        """Return the addresses of the service nodes of a node, the nearest first."""
        words = [word.strip() for word in node.get("servicenode").split(",") if word.strip()]
        for word in words:
            if not _NAME.fullmatch(word):
                raise NodeError(node.name, f"its servicenode {word!r} is neither a name nor an address")
        addresses = [self.ip_of(word) or word for word in words]
        return sorted(addresses, key=lambda address: not self._is_near(address, node.get("ip")))

    def _is_near(self, server: str, node: str) -> bool:
        ends = [_parsed(server.partition(":")[0]), _parsed(node)]
        return any(all(end is not None and end in network for end in ends) for network in self.networks)

    def _split(self, server: str) -> tuple[str, int]:
        host, _, port = server.partition(":")
        return (host, int(port)) if port.isdecimal() else (server, self.http_port)


def block_of(network: Definition) -> ipaddress.IPv4Network | None:
    """Return the IPv4 addresses of a network object, None if it has others."""
    try:
        return ipaddress.IPv4Network(f"{network.get('net')}/{network.get('mask').lstrip('/')}", strict=False)
    except ValueError:
        return None


def _parsed(address: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(address)
    except ValueError:
        return None
