"""Which kernel of a tree an image boots."""

from __future__ import annotations

from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.packages.readers import KERNELS
from sbkernel.packages.versions import sort_key


def kernels(tree: Path) -> list[str]:
    """Return the kernel versions in a tree, oldest first."""
    found = [path.name.removeprefix("vmlinuz-") for path in (tree / "boot").glob("vmlinuz-*")]
    return sorted(found, key=sort_key(KERNELS))


def choose_kernel(tree: Path, kernelver: str = "") -> str:
    """Return the version to boot: `kernelver`, or the newest in the tree; raise BuildError if it is not there."""
    found = kernels(tree)
    if not found:
        raise BuildError("no kernel in the image", hint="add the kernel package of the distribution to the pkglist")
    if kernelver and kernelver not in found:
        raise BuildError(f"kernel {kernelver} is not in the image; it has {', '.join(found)}", hint="correct kernelver")
    return kernelver or found[-1]
