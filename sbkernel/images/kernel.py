"""Which kernel of a tree an image boots."""

from __future__ import annotations

import functools
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.jobs.run import run


def kernels(tree: Path) -> list[str]:
    """Return the kernel versions in a tree, oldest first, by Debian's version order."""
    found = [path.name.removeprefix("vmlinuz-") for path in (tree / "boot").glob("vmlinuz-*")]
    return sorted(found, key=functools.cmp_to_key(_compare))


def _compare(left: str, right: str) -> int:
    if left == right:
        return 0
    return -1 if run(["dpkg", "--compare-versions", left, "lt", right], check=False).returncode == 0 else 1


def choose_kernel(tree: Path, kernelver: str = "") -> str:
    """Return the version to boot: `kernelver`, or the newest in the tree; raise BuildError if it is not there."""
    found = kernels(tree)
    if not found:
        raise BuildError("no kernel in the image", hint="add a kernel package such as linux-image-amd64 to the pkglist")
    if kernelver and kernelver not in found:
        raise BuildError(f"kernel {kernelver} is not in the image; it has {', '.join(found)}", hint="correct kernelver")
    return kernelver or found[-1]
