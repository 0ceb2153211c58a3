"""Plain mmdebstrap, as an administrator types it: the kernel package in the tree builds the initrd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.jobs.run import run


@dataclass(frozen=True)
class Peer:
    """A way in which the distribution makes its initrd, and the packages for it; without packages it is the default."""

    name: str
    what: str
    packages: tuple[str, ...] = ()


INITRAMFS_TOOLS = Peer("build", "mmdebstrap --variant=minbase, the distribution's own initrd (initramfs-tools)")
# What the lists of xCAT for the Debian family contain to boot over the network.
DRACUT = Peer("build-dracut", "the same with dracut and dracut-network, as xCAT has it", ("dracut", "dracut-network"))


def argv(codename: str, packages: Sequence[str], sources: Path, target: Path) -> list[str]:
    """Return the command, with only a variant, the packages, the release, the target and the sources."""
    include = f"--include={','.join(packages)}"
    return ["mmdebstrap", "--variant=minbase", include, codename, str(target), str(sources)]


def build(codename: str, packages: Sequence[str], sources: Path, target: Path) -> None:
    """Build the tree `target`. Raises CommandError. Its processes and mounts end with ours, which costs no time."""
    run(argv(codename, packages, sources, target), isolated=True)


def boot_files(tree: Path) -> tuple[list[str], list[str]]:
    """Return the names of the kernels and initrds in a tree that was built the way of the distribution."""
    kernels = sorted(path.name for path in (tree / "boot").glob("vmlinuz-*"))
    return kernels, sorted(path.name for path in (tree / "boot").glob("initrd.img-*") if path.stat().st_size)
