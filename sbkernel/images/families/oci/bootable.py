"""What a container lacks to be booted, said before the build: few hold a kernel, and many no init system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import Boots
from sbkernel.images.families.resolved import Container, Resolution
from sbkernel.images.tree.kernel import kernels
from sbkernel.packages import treefile

# Names tell too much rather than too little: of a package that is not downloaded nothing else is known.
_KERNEL = re.compile(r"(^|-)(linux|kernel|vmlinuz)(-|$)")
_INIT = re.compile(r"(^|-)(systemd|sysvinit|init|runit|openrc|finit)(-|$)")
KERNEL, INIT = "kernel", "init system"


def check_bootable(
    container: Container, tree: Path, resolution: Resolution, boots: Boots, *, own_kernel: bool = False
) -> None:
    """Raise BuildError unless a container with the packages to come has a kernel and an init system.

    A kernel of a directory of the site's own may have any name.
    """
    if lacking := [what for what in _lacking(tree, resolution) if not (own_kernel and what == KERNEL)]:
        remedies = {KERNEL: boots.kernel, INIT: boots.init}
        raise BuildError(
            f"{container.reference} has no {' and no '.join(lacking)}, and no package that is to come brings one",
            hint=f"add to the pkglist: {' '.join(remedies[what] for what in lacking)}",
        )


def _lacking(tree: Path, resolution: Resolution) -> Iterator[str]:
    names = [one.name for one in resolution.packages]
    if not any(map(_KERNEL.search, names)) and not kernels(tree):
        yield KERNEL
    there = any(treefile.find(tree, path) for path in ("sbin/init", "usr/sbin/init", "lib/systemd/systemd"))
    if not any(map(_INIT.search, names)) and not there:
        yield INIT
