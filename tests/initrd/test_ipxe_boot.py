"""A real iPXE, and a real GRUB, read what nodeset writes: from what every machine begins with to the kernel."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bootserver import BootServer
from efiprogram import TEXT, efi_program
from guest import MAC, USER_NETWORK, Guest

from sbkernel.architectures import architecture
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import BESIDE, ImageVersion
from sbkernel.netboot.loaders import DIRECTORY, GRUB_BIOS, lay_every_grub
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

pytestmark = pytest.mark.e2e
IMAGE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def site(tmp_path: Path, server: BootServer) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        opened.set("site", "clustersite", httpport=str(server.port))
        for name, mac in (("n1", MAC), ("n2", "52:54:00:12:34:57")):
            opened.set("node", name, groups="all", mac=mac, vmhost="localhost", vmnics="user")
            opened.set("node", name, serialport="0", serialspeed="115200")
        yield opened


@pytest.fixture
def version(site: Site, kernel: Path, initrd: Path, root_image: bytes) -> ImageVersion:
    catalog = Catalog(site)
    with catalog.staging() as staged:
        shutil.copy(kernel, staged.path / "kernel")
        shutil.copy(initrd, staged.path / "initrd")
        (staged.path / "root.squashfs").write_bytes(root_image)
        (staged.path / "manifest.json").write_text("[]")
        for name in ("root.squashfs", *BESIDE):
            staged.add(name)
        return catalog.publish(staged, {"image": IMAGE, "kernelver": "6.1"})


@pytest.fixture
def power_on(server: BootServer) -> Iterator[Callable[..., Guest]]:
    guests: list[Guest] = []

    def start(script: str = "boot.ipxe") -> Guest:
        guests.append(Guest.from_network(f"http://10.0.2.2:{server.port}/boot/{script}", memory_mb=512))
        return guests[-1]

    yield start
    for guest in guests:
        guest.stop()


def serve(server: BootServer, site: Site, *tops: str) -> None:
    for top in tops:
        for path in (site.root / top).rglob("*"):
            if path.is_file():
                server.files[f"/{path.relative_to(site.root)}"] = path.read_bytes()


def test_boots_what_nodeset_wrote_and_tries_again(
    site: Site, version: ImageVersion, server: BootServer, power_on: Callable[..., Guest]
) -> None:
    """Its script is that of another node, too; it knows by its address which one it is."""
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert (site.boot / "nodes/n1.ipxe").samefile(site.boot / "nodes/n2.ipxe")
    serve(server, site, "boot")
    guest = power_on()
    guest.wait_for("n1: the image could not be loaded, try 1 of 6")
    serve(server, site, "catalog")
    console = guest.wait_for("ROOT DONE")
    assert "ROOT UP hostname=n1 marker=from-the-image" in console
    assert f"BOOTIF=01-{MAC.replace(':', '-')} " in console and "${" not in console
    assert server.post("verified")["image"] == version.digest
    asked = [path for path, _ in server.requests]
    assert "/boot/nodes/n1.overlay.tar" in asked and "/boot/nodes/n2.overlay.tar" not in asked
    assert asked[:3] == ["/boot/boot.ipxe", "/boot/by-mac/52-54-00-12-34-56.ipxe", "/boot/nodes/n1.ipxe"]
    assert f"/catalog/{version.digest}/kernel?node=n1" in asked


def test_boots_from_the_next_server_when_the_nearest_is_dead(
    site: Site, version: ImageVersion, server: BootServer, power_on: Callable[..., Guest]
) -> None:
    """Dead for iPXE, and dead again for the initrd, whose image then comes from where it is. The script is its own."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"10.0.2.2:{unused.getsockname()[1]}"
        site.set("node", "n1", servicenode=dead, addkcmdline="card=#NODEATTRIB:mac:mac#")
        nodeset(site, "n1", f"osimage={IMAGE}")
        assert "NODE=n1 " in (site.boot / "nodes/n1.ipxe").read_text()
        serve(server, site, "boot", "catalog")
        guest = power_on()
        guest.wait_for(f"n1: nothing to boot from {dead}")
        console = guest.wait_for("ROOT DONE")
    alive = f"10.0.2.2:{server.port}"
    assert f"from {alive}" in console and f"server={alive}" in console
    assert "ROOT UP hostname=n1 marker=from-the-image" in console
    assert server.post("fetched")["from"] == alive
    assert server.stages()[:2] == ["initrd", "fetched"]


def test_says_why_when_the_image_cannot_be_loaded(
    site: Site, version: ImageVersion, server: BootServer, power_on: Callable[..., Guest]
) -> None:
    """It begins at a script that many nodes have, and learns by its address which one it is."""
    nodeset(site, "n1", f"osimage={IMAGE}")
    serve(server, site, "boot")
    guest = power_on("nodes/n1.ipxe")
    guest.wait_for("n1 did not boot: its kernel or initrd could not be loaded, 6 tries")
    guest.wait_for(f"from: http://10.0.2.2:{server.port}/catalog/{version.digest[:8]}")
    assert guest.is_on()
    script = "/boot/nodes/n1.ipxe"
    asked = [path for path, _ in server.requests]
    assert asked[:4] == [script, "/boot/boot.ipxe", f"/boot/by-mac/{MAC.replace(':', '-')}.ipxe", script]
    assert asked[4:] == [f"/catalog/{version.digest}/kernel?node=n1"] * 6


def test_an_unknown_machine_is_told_so_and_goes_on(
    site: Site, version: ImageVersion, server: BootServer, power_on: Callable[..., Guest]
) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    nodeset(site, "n1", "offline")
    serve(server, site, "boot")
    guest = power_on()
    guest.wait_for("Nothing is set for this machine: MAC 52:54:00:12:34:56")
    guest.wait_for("No bootable device")


def test_a_node_set_to_its_disk_leaves_the_network(
    site: Site, version: ImageVersion, server: BootServer, power_on: Callable[..., Guest]
) -> None:
    nodeset(site, "n1", "boot")
    serve(server, site, "boot")
    guest = power_on()
    guest.wait_for("n1: booting from the local disk")
    guest.wait_for("No bootable device")
    assert [path for path, _ in server.requests].count("/boot/boot.ipxe") == 1


def test_ipxe_leads_to_grub_which_tries_again(
    site: Site, version: ImageVersion, server: BootServer, power_on: Callable[..., Guest]
) -> None:
    site.set("node", "n1", netboot="grub2")
    nodeset(site, "n1", f"osimage={IMAGE}")
    serve(server, site, "boot")
    guest = power_on()
    guest.wait_for("n1: the image could not be loaded, try 1 of 6")
    serve(server, site, "catalog")
    console = guest.wait_for("ROOT DONE")
    assert "Welcome to GRUB!" in console and "ROOT UP hostname=n1 marker=from-the-image" in console
    assert server.post("verified")["image"] == version.digest
    asked = [path for path, _ in server.requests]
    loader, script = asked.index(f"/boot/loaders/{GRUB_BIOS}"), asked.index("/boot/nodes/n1.grub")
    assert asked[loader + 1] == "/boot/grub2/grub.cfg-01-52-54-00-12-34-56" and loader < script
    assert f"/catalog/{version.digest}/initrd?node=n1" in asked


def test_grub_tells_an_unknown_machine_and_goes_on(site: Site, server: BootServer, tmp_path: Path) -> None:
    lay_every_grub(site.boot, server.port)
    network = f"{USER_NETWORK},tftp={site.boot / DIRECTORY},bootfile={GRUB_BIOS}"
    guest = Guest(["-boot", "n"], network=network)
    try:
        guest.wait_for(f"No boot file for {MAC} at 10.0.2.2, try 3 of 4")
        guest.wait_for(f"Nothing is set for this machine: MAC {MAC}")
        guest.wait_for("No bootable device")
    finally:
        guest.stop()


def test_grub_starts_what_uefi_would_boot_from_a_disk(site: Site, server: BootServer, tmp_path: Path) -> None:
    site.set("node", "n1", netboot="grub2")
    nodeset(site, "n1", "boot")
    serve(server, site, "boot")
    program = tmp_path / "disk/EFI/BOOT/BOOTX64.EFI"
    program.parent.mkdir(parents=True)
    program.write_bytes(efi_program("x86_64"))
    one = architecture("x86_64")
    assert one.virtual
    shutil.copyfile(one.virtual.uefi.variables, tmp_path / "variables")
    guest = Guest([
        *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={one.virtual.uefi.code}"),
        *("-drive", f"if=pflash,unit=1,format=raw,file={tmp_path / 'variables'}"),
        *("-netdev", f"user,id=net0,tftp={site.boot / DIRECTORY},bootfile={one.grub_loader}"),
        *("-device", f"virtio-net-pci,netdev=net0,mac={MAC},romfile=,bootindex=0"),
        *("-drive", f"if=none,id=disk0,format=raw,readonly=on,file=fat:{tmp_path / 'disk'}"),
        *("-device", "virtio-blk-pci,drive=disk0,bootindex=1"),
    ], network="none")  # fmt: skip
    try:
        console = guest.wait_for(TEXT)
    finally:
        guest.stop()
    assert "n1: booting from the local disk" in console and "Starting (hd0,msdos1)/" in console
