"""dracut's livenet initrd, which xCAT and similar tools boot. This recipe is known to reach the login prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sbkernel.errors import SbkernelError
from sbkernel.images.tree.namespaces import inside

# The packages for the initrd; the kernel is in the list of the image.
PACKAGES = (
    "dracut", "dracut-network", "dracut-live", "isc-dhcp-client", "iputils-arping", "iproute2", "curl", "kmod", "udev",
    "procps", "systemd-sysv", "dmsetup", "util-linux", "zstd", "gzip", "tar",
)  # fmt: skip

# livenet needs network-legacy: with the module of networkd, nothing starts the download.
MODULES = "livenet dmsquash-live network-legacy"
OMITTED = (
    "systemd-networkd crypt nfs lunmask nvdimm resume virtiofs modsign overlay-root kernel-modules-extra qemu ifcfg"
    " terminfo dbus dbus-daemon"
)
# In addition to those of the network: for the bus of the virtual machine and the packed root.
DRIVERS = ("virtio_pci", "squashfs", "overlay", "loop")
ARGUMENTS = ("rd.live.image", "rd.live.overlay.overlayfs=1", "ip=dhcp", "rd.neednet=1")

_KERNEL = re.compile(r"^kernel (?P<url>\S+) initrd=initrd (?P<line>.*?) \|\| goto again$", re.MULTILINE)
_INITRD = re.compile(r"^initrd --name initrd \S+ \|\| goto again$", re.MULTILINE)
_OURS = re.compile(r"(?:NODE|XCAT|imgurl|sbkernel\.\w+|BOOTIF)=|nonodestatus$")


def argv(kernelver: str, drivers: Sequence[str], output: str) -> list[str]:
    """Return the command: an initrd for any machine, with the drivers of our initrd, packed with dracut's zstd."""
    return [
        "dracut", "--no-hostonly", "--no-hostonly-cmdline", "--reproducible", "--force", "--zstd",
        "--add", MODULES, "--omit", OMITTED, "--drivers", " ".join([*drivers, *DRIVERS]),
        output, kernelver,
    ]  # fmt: skip


def build(root: Path, kernelver: str, drivers: Sequence[str]) -> Path:
    """Build the initrd in a tree that has dracut; return its path. The exit status of dracut alone proves nothing."""
    output = root / "boot/livenet.img"
    inside(root, argv(kernelver, drivers, "/boot/livenet.img"))
    if not output.is_file():
        raise SbkernelError("dracut made no initrd", hint="a module that livenet needs is omitted or not installed")
    return output


def livenet_command_line(ours: str, image_url: str) -> str:
    """Return our kernel command line with the arguments of our initrd replaced by those of dracut's."""
    kept = [word for word in ours.split() if not _OURS.match(word)]
    return " ".join([f"root=live:{image_url}", *ARGUMENTS, *kept])


def boot_script(ours: str, initrd_url: str, image_url: str) -> str:
    """Return our boot script with another initrd and kernel command line, and no other change."""
    kernel, initrd = _KERNEL.search(ours), _INITRD.search(ours)
    if kernel is None or initrd is None:
        raise SbkernelError("the boot script is not one that nodeset wrote for an image")
    line = f"kernel {kernel['url']} initrd=initrd {livenet_command_line(kernel['line'], image_url)} || goto again"
    script = ours.replace(kernel.group(), line)
    return script.replace(initrd.group(), f"initrd --name initrd {initrd_url} || goto again")
