"""Files of a tree that the initrd takes: modules, firmware, a busybox for the right machine."""

from __future__ import annotations

import gzip
import itertools
import lzma
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from sbkernel.architectures import of_host
from sbkernel.errors import BuildError
from sbkernel.images.tree.elf import read_elf_file
from sbkernel.jobs.run import run
from sbkernel.packages import treefile

_COMPRESSED_FIRMWARE = ("", ".xz", ".zst")


def modules_directory(tree: Path, kernelver: str) -> Path:
    """Return the directory of a kernel's modules; raise BuildError naming the kernels that the tree has."""
    roots = ("usr/lib/modules", "lib/modules")
    for root in roots:
        found = treefile.find(tree, f"{root}/{kernelver}") if kernelver else None
        if found is not None and found.is_dir():
            return found
    there = [found for root in roots if (found := treefile.find(tree, root)) and found.is_dir()]
    present = sorted({entry.name for root in there for entry in root.iterdir()})
    raise BuildError(
        f"the tree {tree} has no modules of the kernel {kernelver or '(none named)'}",
        hint=f"it has {', '.join(present)}" if present else "a kernel package is missing in the pkglist",
    )


def kernel_config(tree: Path, kernelver: str) -> str:
    """Return the configuration that a kernel was built with, "" if the distribution does not ship it."""
    beside = modules_directory(tree, kernelver).relative_to(tree) / "config"
    texts = (treefile.read(tree, place) for place in (f"boot/config-{kernelver}", str(beside)))
    return next((text for text in texts if text is not None), "")


def copy_module(tree: Path, name: str, target: Path) -> None:
    """Copy a module, unpacked: not every busybox reads every compression. Its signature stays in place.

    `name` is its path in the tree. BuildError when it is not there: no link, and no list of modules, leads out.
    """
    source = treefile.find(tree, name)
    if source is None or not source.is_file():
        raise BuildError(f"the tree {tree} has no {name}, which its modules.dep names", hint="run depmod on the tree")
    readers = {".xz": _unxz, ".gz": _ungzip, ".zst": _unzstd}
    readers.get(source.suffix, shutil.copyfile)(source, target)


def firmware_names(modules: Sequence[Path]) -> list[str]:
    """Return the firmware files that modules ask for, as modinfo(8) lists them."""
    return sorted(set(run(["modinfo", "-F", "firmware", *map(os.fspath, modules)]).stdout.split())) if modules else []


def copy_firmware(tree: Path, kernelver: str, names: Iterable[str], target: Path) -> list[str]:
    """Copy firmware from where the kernel would look for it, compressed or not; return the names not found."""
    missing = []
    for name in names:
        found = None if ".." in Path(name).parts or name.startswith("/") else _find_firmware(tree, kernelver, name)
        if found is None:
            missing.append(name)
            continue
        source, ending = found
        copy = target / f"{name}{ending}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return missing


def machine_of(module: Path | None) -> str:
    """Return the machine a module was built for; this one if there is no module to ask."""
    elf = read_elf_file(module) if module else None
    return elf.machine if elf else of_host().machine


def host_busyboxes() -> list[Path]:
    """Return the busyboxes that this host has, in the order in which they are looked at."""
    on_path = shutil.which("busybox")
    places = [*([Path(on_path)] if on_path else []), Path("/usr/bin/busybox"), Path("/bin/busybox")]
    return [place for place in dict.fromkeys(places) if place.is_file()]


def busybox_for(machine: str, tree: Path) -> Path:
    """Return a busybox for a machine that needs no loader: this host's, else the tree's; raise BuildError if none."""
    own = (treefile.find(tree, name) for name in ("usr/bin/busybox", "bin/busybox"))
    for place in (*host_busyboxes(), *filter(None, own)):
        elf = read_elf_file(place)
        if elf and elf.static and elf.machine == machine:
            return place
    raise BuildError(
        f"no static busybox for {machine}",
        hint="install busybox-static"
        if machine == of_host().machine
        else "add busybox-static to the pkglist, or let a postinstall script put one at usr/bin/busybox of the tree",
    )


def _find_firmware(tree: Path, kernelver: str, name: str) -> tuple[Path, str] | None:
    # The order of the kernel's own search, drivers/base/firmware_loader/main.c.
    roots = [tree / "lib/firmware/updates" / kernelver, tree / "lib/firmware/updates", tree / "lib/firmware"]
    for root, ending in itertools.product(roots, _COMPRESSED_FIRMWARE):
        source = _inside(tree, root / f"{name}{ending}")
        if source is not None and source.is_file():
            return source, ending
    return None


def _inside(tree: Path, path: Path) -> Path | None:
    """Follow links, but not out of the tree: an absolute one means the tree's, not this host's."""
    if path.is_symlink() and path.readlink().is_absolute():
        path = tree / path.readlink().relative_to("/")
    real = path.resolve()
    return path if real.is_relative_to(tree.resolve()) else None


def _unxz(source: Path, target: Path) -> None:
    target.write_bytes(lzma.decompress(source.read_bytes()))


def _ungzip(source: Path, target: Path) -> None:
    target.write_bytes(gzip.decompress(source.read_bytes()))


def _unzstd(source: Path, target: Path) -> None:
    run(["zstd", "-q", "-d", "-f", source, "-o", target])
