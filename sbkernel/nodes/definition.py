"""What a site says about its virtual nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.nodes.kvm import Probe
from sbkernel.nodes.logins import login
from sbkernel.nodes.qemu import HOST_SEEN_BY_GUEST, USER_NETWORK, VirtualMachine
from sbkernel.site import Site

LOOPBACK = ("127.", "::1", "localhost")


@dataclass(frozen=True)
class VirtualBmc:
    """A virtual node and the BMC that is simulated for it."""

    node: str
    host: str
    port: int
    user: bytes
    password: bytes = field(repr=False)


def virtual_bmcs(site: Site) -> tuple[dict[str, VirtualBmc], dict[str, str]]:
    """Return the virtual nodes of the site, and by node what is wrong with those that cannot have a BMC."""
    good: dict[str, VirtualBmc] = {}
    bad: dict[str, str] = {}
    for node in virtual_nodes(site):
        try:
            good[node] = _virtual_bmc(site, node)
        except SbkernelError as error:
            bad[node] = error.message
    return good, bad


def virtual_nodes(site: Site) -> list[str]:
    """Return the names of the nodes that the site runs itself."""
    return [name for name, node in site.nodes.many(site.nodes).items() if node.peek("vmhost") == LOCAL]


async def describe(site: Site, probe: Probe, name: str) -> VirtualMachine:
    """Return the machine of a virtual node as it is defined now. Raises DefinitionError, NotFoundError."""
    node = site.nodes[name]
    mac = node.get("mac").partition("|")[0].partition("!")[0]
    if not mac:
        raise DefinitionError(f"{name}: it has no mac")
    network = node.get("vmnics") or USER_NETWORK
    user = network == USER_NETWORK
    return VirtualMachine(
        name=name,
        mac=mac,
        memory_mb=megabytes(node.get("vmmemory") or "1024"),
        cpus=int(node.get("vmcpus") or 2),
        network=network,
        bootfile=f"http://{HOST_SEEN_BY_GUEST}:{site.http_port}/boot/nodes/{name}.ipxe" if user else "",
        ssh_port=int(node.get("vmsshport") or 0) if user else 0,
        serial_port=int(node.get("serialport") or 0),
        kvm=await _kvm_works(site, probe, node),
    )


def megabytes(text: str) -> int:
    """Return xCAT's vmmemory in MiB: `1024`, `1024M` or `2G`."""
    unit = text[-1].upper()
    return int(text[:-1]) * (1024 if unit == "G" else 1) if unit in "MG" else int(text)


def _virtual_bmc(site: Site, node: str) -> VirtualBmc:
    found = login(site, node)
    if not found.host.startswith(LOOPBACK):
        raise DefinitionError(f"{node}: the BMC of a virtual node listens on 127.0.0.1 only, not on {found.host}")
    return VirtualBmc(node, found.host, found.port, found.user, found.password)


async def _kvm_works(site: Site, probe: Probe, node: Definition) -> bool:
    """Probe KVM with the kernel that the node boots; without one there is nothing to probe with."""
    try:
        kernel = Catalog(site).find(node.get("provmethod")).kernel
    except (NotFoundError, DefinitionError):
        return False
    return await probe.usable(kernel)
