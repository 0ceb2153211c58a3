"""Plain mmdebstrap: what an administrator types for a root tree whose kernel package builds the initrd itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.jobs.run import run


@dataclass(frozen=True)
class Peer:
    """A way in which the distribution makes its initrd, and the packages that bring it; none is its default."""

    name: str
    what: str
    packages: tuple[str, ...] = ()


DEFAULT = Peer("build", "mmdebstrap --variant=minbase, the distribution's own initrd (initramfs-tools)")
# What xCAT's lists for Debian's family ask for, to boot over the network.
DRACUT = Peer("build-dracut", "the same with dracut and dracut-network, as xCAT has it", ("dracut", "dracut-network"))


def argv(codename: str, packages: Sequence[str], sources: Path, target: Path) -> list[str]:
    """Return the command: nothing but a variant, the packages, the release, the target and the sources."""
    include = f"--include={','.join(packages)}"
    return ["mmdebstrap", "--variant=minbase", include, codename, str(target), str(sources)]


def build(codename: str, packages: Sequence[str], sources: Path, target: Path) -> None:
    """Build the tree `target`; raise CommandError. Its processes and mounts end with ours, which costs no time."""
    run(argv(codename, packages, sources, target), isolated=True)


def boot_files(tree: Path) -> tuple[list[str], list[str]]:
    """Return the names of the kernels and of the initrds in a tree built the distribution's way."""
    kernels = sorted(path.name for path in (tree / "boot").glob("vmlinuz-*"))
    return kernels, sorted(path.name for path in (tree / "boot").glob("initrd.img-*") if path.stat().st_size)
