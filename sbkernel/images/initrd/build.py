"""build_initrd: our own small initrd, the same for every distribution, made outside the image in about a second."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sbkernel import resources
from sbkernel.errors import BuildError
from sbkernel.images.initrd.archive import compression, pack
from sbkernel.images.initrd.drivers import DEFAULT_DRIVERS, ModuleIndex, alias_text, dep_text, read_index, select
from sbkernel.images.initrd.files import (
    busybox_for,
    copy_firmware,
    copy_module,
    firmware_names,
    kernel_config,
    machine_of,
    modules_directory,
)
from sbkernel.images.initrd.rootkinds import RootKind
from sbkernel.jobs.report import NullReport, Report
from sbkernel.packages import treefile

__all__ = ["DEFAULT_DRIVERS", "build_initrd"]

DIRECTORIES = ("bin", "dev", "etc", "lib/firmware", "newroot", "proc", "run", "sbin", "sys", "tmp")


def build_initrd(
    tree: Path,
    kernelver: str,
    drivers: Sequence[str],
    output: Path,
    *,
    kinds: Mapping[str, RootKind] | None = None,
    report: Report | None = None,
) -> None:
    """Write the initrd for one kernel of a tree to `output`, whole or not at all.

    `drivers` are kernel modules named as in xCAT's netdrivers; none means DEFAULT_DRIVERS. `kinds` are the kinds
    of root that it has to make beside the usual one. What drivers depend on, their firmware and what every boot needs
    is added. The same input makes the same bytes. The tree is only read.

    Raises BuildError for a kernel without modules, a driver that it does not have, or no busybox for its machine.
    """
    report = report or NullReport()
    modules = modules_directory(tree, kernelver)
    index = _read_index(tree, modules)
    chosen = select(index, drivers, kinds)
    with tempfile.TemporaryDirectory(prefix="initrd-", dir=output.parent) as scratch:
        stage = Path(scratch, "stage")
        _lay_out(stage)
        _add_modules(stage / "lib/modules" / kernelver, tree, modules, index, chosen)
        _add_firmware(stage, tree, kernelver, report)
        _add_busybox(stage, tree, kernelver, chosen)
        finished = pack(stage, Path(scratch, "initrd"), compression(kernel_config(tree, kernelver)))
        report.log(f"initrd: {len(chosen)} modules, {finished.stat().st_size} bytes")
        finished.replace(output)


def _read_index(tree: Path, modules: Path) -> ModuleIndex:
    def text(name: str) -> str:
        return treefile.read(tree, str(modules.relative_to(tree) / name)) or ""

    if not text("modules.dep"):
        raise BuildError(f"{modules} holds no modules.dep", hint="run depmod on the tree: its kernel is half installed")
    return read_index(
        text("modules.dep"),
        builtin=text("modules.builtin"),
        alias=text("modules.alias"),
        softdep=text("modules.softdep"),
    )


def _lay_out(stage: Path) -> None:
    for name in DIRECTORIES:
        (stage / name).mkdir(parents=True)
    library = stage / "lib/sbkernel"
    library.mkdir(parents=True)
    for source in sorted((resources.templates() / "initrd").iterdir()):
        target = stage / "init" if source.name == "init" else library / source.name
        shutil.copyfile(source, target)
        target.chmod(0o755)


def _add_modules(target: Path, tree: Path, modules: Path, index: ModuleIndex, chosen: Sequence[str]) -> None:
    target.mkdir(parents=True)
    for name in chosen:
        copy_module(tree, str(modules.relative_to(tree) / index.paths[name]), target / f"{name}.ko")
    (target / "modules.dep").write_text(dep_text(index, chosen))
    (target / "modules.alias").write_text(alias_text(index, chosen))


def _add_firmware(stage: Path, tree: Path, kernelver: str, report: Report) -> None:
    names = firmware_names(sorted((stage / "lib/modules" / kernelver).glob("*.ko")))
    missing = copy_firmware(tree, kernelver, names, stage / "lib/firmware")
    if missing:
        report.log(f"initrd: firmware that the image does not have: {' '.join(missing)}")


def _add_busybox(stage: Path, tree: Path, kernelver: str, chosen: Sequence[str]) -> None:
    sample = next((stage / "lib/modules" / kernelver / f"{name}.ko" for name in chosen), None)
    shutil.copyfile(busybox_for(machine_of(sample), tree), stage / "bin/busybox")
    (stage / "bin/busybox").chmod(0o755)
    for link in ("bin/sh", "sbin/modprobe"):
        (stage / link).symlink_to("/bin/busybox")
