"""What a site says about its virtual nodes."""

from __future__ import annotations

from dataclasses import dataclass

from sbkernel.architectures import Architecture, VirtualHardware, architecture, of_host, runs_here
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import BIOS, LOCAL, UEFI_HTTP
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import loaders
from sbkernel.netboot.names import dashed_mac
from sbkernel.netboot.scripts import boots_by_grub, mac_path
from sbkernel.nodes.ipmi.logins import BmcLogin, login
from sbkernel.nodes.virtual import uefi
from sbkernel.nodes.virtual.disk import disk_of
from sbkernel.nodes.virtual.probe import Probe
from sbkernel.nodes.virtual.qemu import HOST_SEEN_BY_GUEST, USER_NETWORK, VirtualMachine, hardware_of
from sbkernel.site import Site

LOOPBACK = ("127.", "::1", "localhost")


def virtual_nodes(site: Site) -> tuple[dict[str, BmcLogin | None], dict[str, str]]:
    """Return the nodes that the site runs itself with the BMC that is simulated for each (None: it wants none).

    The second is what is wrong, by node, with those that cannot have the BMC they want.
    """
    good: dict[str, BmcLogin | None] = {}
    bad: dict[str, str] = {}
    for name, node in site.nodes.many(site.nodes).items():
        if node.peek("vmhost") != LOCAL:
            continue
        try:
            good[name] = _bmc(site, node)
        except SbkernelError as error:
            bad[name] = error.message
    return good, bad


async def describe(site: Site, probe: Probe, name: str) -> VirtualMachine:
    """Return the machine of a virtual node as it is defined now. Raises DefinitionError, NotFoundError."""
    node = site.nodes[name]
    mac = node.get("mac").partition("|")[0].partition("!")[0]
    if not mac:
        raise DefinitionError(f"{name}: it has no mac")
    network = node.get("vmnics") or USER_NETWORK
    user = network == USER_NETWORK
    one = architecture(node.get("arch") or of_host().osarch)
    hardware = hardware_of(one.osarch)
    firmware = uefi.firmware_of(node, hardware)
    disk, disk_format = disk_of(node)
    boot = _on_user_network(site, node, one, firmware) if user else NetworkBoot(rom=firmware == BIOS)
    return VirtualMachine(
        name=name,
        mac=mac,
        memory_mb=megabytes(node.get("vmmemory") or "1024"),
        cpus=int(node.get("vmcpus") or 2),
        network=network,
        bootfile=boot.file,
        ssh_port=int(node.get("vmsshport") or 0) if user else 0,
        serial_port=_serial_port(node, hardware),
        kvm=runs_here(one.machine) and await _kvm_works(site, probe, node),
        osarch=one.osarch,
        tftp=boot.tftp,
        disk=disk,
        disk_format=disk_format,
        firmware=firmware,
        variables="" if firmware == BIOS else str(uefi.variables(site, name, one.osarch, hardware.uefi)),
        rom=boot.rom,
    )


@dataclass(frozen=True)
class NetworkBoot:
    """What DHCP names to a node, the directory that it is in where TFTP brings it, and whether the card's ROM boots."""

    file: str = ""
    tftp: str = ""
    rom: bool = False


def _on_user_network(site: Site, node: Definition, one: Architecture, firmware: str) -> NetworkBoot:
    """Return what a node fetches first. With GRUB that is GRUB; iPXE is in the card, or comes with its script."""
    url = f"http://{HOST_SEEN_BY_GUEST}:{site.http_port}/boot"
    if boots_by_grub(node):
        loader = loaders.lay_grub(site.boot, site.http_port, one.osarch, bios=firmware == BIOS)
        if firmware == UEFI_HTTP:
            return NetworkBoot(f"{url}/{loaders.DIRECTORY}/{loader}")
        return NetworkBoot(loader, str(site.boot / loaders.DIRECTORY), rom=firmware == BIOS)
    if firmware == UEFI_HTTP:
        raise DefinitionError(
            f"{node.name}: on the network {USER_NETWORK}, HTTP boot cannot begin with iPXE: it would find itself again",
            hint=f"sb chdef {node.name} netboot=grub2, or vmfirmware=uefi, or put it on a bridge (vmnics)",
        )
    script = f"{url}/{mac_path(dashed_mac(node.get('mac')))}"
    if hardware_of(one.osarch).bios:
        return NetworkBoot(script, rom=True)
    return NetworkBoot(one.efi_loader, str(uefi.lay(site, node.name, one, script)))


def _serial_port(node: Definition, hardware: VirtualHardware) -> int:
    port = int(node.get("serialport") or 0)
    if port >= hardware.ports:
        raise DefinitionError(f"{node.name}: serialport={port}, and it has {hardware.ports}", hint="set serialport=0")
    return port


def megabytes(text: str) -> int:
    """Return xCAT's vmmemory in MiB: `1024`, `1024M` or `2G`."""
    unit = text[-1].upper()
    return int(text[:-1]) * (1024 if unit == "G" else 1) if unit in "MG" else int(text)


def _bmc(site: Site, node: Definition) -> BmcLogin | None:
    """Return the BMC that a virtual node wants: one that is reached by kvm alone has no address of one."""
    if node.get("mgt") != "ipmi" and not node.get("bmc"):
        return None
    found = login(site, node)
    if not found.host.startswith(LOOPBACK):
        raise DefinitionError(f"{node.name}: the BMC of a virtual node listens on 127.0.0.1 only, not on {found.host}")
    return found


async def _kvm_works(site: Site, probe: Probe, node: Definition) -> bool:
    """Probe KVM with the kernel that the node boots; without one there is nothing to probe with."""
    try:
        kernel = Catalog(site).find(node.get("provmethod")).kernel
    except (NotFoundError, DefinitionError):
        return False
    return await probe.usable(kernel)
