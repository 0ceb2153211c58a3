"""The kernel of a captured root: one that a node booted from an image has lost /boot, and drivers, to an exlist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.catalog.version import BESIDE, ImageVersion
from sbkernel.images.tree.configure import lay
from sbkernel.images.tree.kernel import choose_kernel, kernels
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages import treefile
from sbkernel.units import shortened

_SHOWN = 8


def bring_kernel(tree: Path, node: str, running: str, booted: ImageVersion | None, epoch: int, report: Report) -> None:
    """Lay the kernel that runs on a node into its tree, if no kernel came along: it is that of the version it booted.

    Raises BuildError if there is none.
    """
    if kernels(tree):
        return
    if treefile.find(tree, f"lib/modules/{running}") is None:
        problem = f"neither a kernel nor the modules of {running} came from {node}"
    elif booted is None or booted.kernelver != running:
        problem = f"no kernel came from {node}, and the catalog has not the image that it booted"
    else:
        name = f"boot/vmlinuz-{running}"
        lay(tree, {name: (booted.dir / BESIDE[0]).read_bytes()}, epoch, report)
        report.log(f"{name} is that of {booted.image}@{booted.digest[:8]}")
        return
    raise BuildError(problem, hint="is /boot a file system of its own there? --mount /boot")


def index_modules(tree: Path, kernelver: str, report: Report) -> None:
    """Index the modules of the kernel that the image boots anew, if some that the index names did not come along."""
    version = choose_kernel(tree, kernelver)
    modules = treefile.find(tree, f"lib/modules/{version}")
    if modules is None or modules.parts[-3:-1] != ("lib", "modules"):
        return
    dep = treefile.read(tree, f"lib/modules/{version}/modules.dep")
    lost = dict(_lost(modules, dep or ""))
    if lost or dep is None:
        # No link leads depmod out of the tree: links in the path were followed inside of it.
        run(["depmod", "--basedir", modules.parents[2], version], isolated=True)
        report.log(f"modules.dep is new: {len(lost)} of its modules are not on the node")
    if broken := sorted({user for users in lost.values() for user in users}):
        report.log(f"these drivers lack others that they need: {', '.join(shortened(broken, _SHOWN))}")


def _lost(modules: Path, dep: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the modules that an index names and that are not there, with those that are there and need them."""
    needs = {name: rest.split() for name, _, rest in (line.partition(":") for line in dep.splitlines()) if name}
    there = {name for name in needs if (modules / name).is_file()}
    users: dict[str, list[str]] = {name: [] for name in needs if name not in there}
    for name in there:
        for needed in needs[name]:
            if needed in users:
                users[needed].append(Path(name).name.partition(".")[0])
    yield from users.items()
