"""Which kernel of a tree an image boots; in /boot an architecture may have other names for it than vmlinuz."""

from __future__ import annotations

from pathlib import Path

from sbkernel.architectures import architecture
from sbkernel.errors import BuildError
from sbkernel.packages import treefile
from sbkernel.packages.readers import KERNELS
from sbkernel.packages.versions import sort_key

_MODULES = ("lib/modules", "usr/lib/modules")


def kernels(tree: Path, osarch: str = "") -> list[str]:
    """Return the kernel versions in a tree, oldest first: in /boot, or among the modules where /boot has none."""
    return sorted(_files(tree, osarch), key=sort_key(KERNELS))


def kernel_file(tree: Path, kernelver: str, osarch: str = "") -> Path:
    """Return the file of a kernel that the tree has."""
    return _files(tree, osarch)[kernelver]


def _files(tree: Path, osarch: str) -> dict[str, Path]:
    beside = {path.parent.name: path for root in _MODULES for path in _matching(tree, root, "*/vmlinuz")}
    boot = {
        path.name.removeprefix(f"{name}-"): path
        for name in reversed(architecture(osarch).kernels)
        for path in _matching(tree, "boot", f"{name}-*")
    }
    # A rescue kernel is the same with another name.
    return {**beside, **{version: path for version, path in boot.items() if "rescue" not in version}}


def _matching(tree: Path, directory: str, pattern: str) -> list[Path]:
    """Return what lies in a directory of a tree; no links, since they may lead out of it."""
    top = treefile.find(tree, directory)
    found = sorted(top.glob(pattern)) if top else []
    return [path for path in found if treefile.find(tree, str(path.relative_to(tree))) == path]


def choose_kernel(tree: Path, kernelver: str = "", osarch: str = "") -> str:
    """Return the version to boot: `kernelver`, or the newest in the tree; raise BuildError if it is not there."""
    found = kernels(tree, osarch)
    if not found:
        raise BuildError("no kernel in the image", hint="add the kernel package of the distribution to the pkglist")
    if kernelver and kernelver not in found:
        raise BuildError(f"kernel {kernelver} is not in the image; it has {', '.join(found)}", hint="correct kernelver")
    return kernelver or found[-1]
