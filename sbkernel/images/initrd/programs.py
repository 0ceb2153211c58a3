"""Programs for an initrd that busybox does not have, with the libraries that they need, taken from a tree or this host.

They are added behind an initrd that is there already: a kernel unpacks several archives one after the other
(Documentation/driver-api/early-userspace/buffer-format.rst).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.catalog.version import file_facts
from sbkernel.images.initrd.archive import pack
from sbkernel.images.tree.elf import Linked, linked, machine_of_tree, read_elf_file
from sbkernel.packages import treefile

PLACE = "lib/sbkernel/programs"
LOADER = ".loader"
_PROGRAMS = ("usr/bin", "bin", "usr/sbin", "sbin")
_LIBRARIES = ("usr/lib64", "lib64", "usr/lib", "lib")
_ALIGNED = 4
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Program:
    """A program, the loader that starts it, if it needs one, and its libraries by the names they are looked for."""

    name: str
    file: Path
    loader: Path | None
    libraries: tuple[tuple[str, Path], ...]

    @property
    def facts(self) -> dict[str, str]:
        """Return the sha256 of each of its files by name."""
        files = {self.name: self.file, **dict(self.libraries), **({LOADER: self.loader} if self.loader else {})}
        return {name: str(file_facts(path)["sha256"]) for name, path in files.items()}


def programs_for(names: Sequence[str], tree: Path, *, without: str = "") -> tuple[Program, ...]:
    """Return programs for the machine of a tree: the tree's own, else this host's.

    A name with a slash is that of a plugin, below where libraries lie: nbdkit/plugins/nbdkit-curl-plugin.so. BuildError
    if one is nowhere; `without` says how to pack so that none is needed.
    """
    if not names:
        return ()
    machine = machine_of_tree(tree)
    for root in (tree, Path("/")):
        found = [_program(root, name, machine) for name in names]
        if all(found):
            return tuple(one for one in found if one)
    missing = [name for name, one in zip(names, found, strict=True) if one is None]
    raise BuildError(
        f"nodes of this image could not read it: there is no {' and '.join(missing)} for their initrd",
        hint=f"add the packages to the pkglist, or install them on this host{without and ', or pack '}{without}",
    )


def add_programs(
    initrd: Path, programs: Sequence[Program], output: Path, *, files: Mapping[str, str] | None = None
) -> None:
    """Write an initrd with programs, and texts by path, added to `output`; the same input makes the same bytes."""
    with tempfile.TemporaryDirectory(prefix="initrd-", dir=output.parent) as scratch:
        place = Path(scratch, "stage", PLACE)
        place.mkdir(parents=True)
        for program in programs:
            _lay_out(program, place)
        for name, text in (files or {}).items():
            Path(scratch, "stage", name).write_text(text)
        with initrd.open("rb") as stream:
            method = "zstd" if stream.read(len(_ZSTD)) == _ZSTD else "gzip"
        added = pack(Path(scratch, "stage"), Path(scratch, "added"), method)
        with output.open("wb") as target:
            for part in (initrd, added):
                target.write(b"\0" * (-target.tell() % _ALIGNED))
                with part.open("rb") as source:
                    shutil.copyfileobj(source, target)


def _lay_out(program: Program, place: Path) -> None:
    files = [(program.name, program.file), *program.libraries]
    if program.loader:
        files.append((f"{program.name}{LOADER}", program.loader))
    for name, source in files:
        shutil.copyfile(source, place / name)
        (place / name).chmod(0o755)


def _program(root: Path, name: str, machine: str | None) -> Program | None:
    """Return a program of a root, or a plugin; None if it has none for that machine, or not all that it needs."""
    directories = _library_places(root) if "/" in name else _PROGRAMS
    places = (treefile.find(root, f"{place}/{name}") for place in directories)
    file = next((path for path in places if path and _fits(path, machine)), None)
    head = linked(file) if file else None
    if file is None or head is None:
        return None
    loader = treefile.find(root, head.loader) if head.loader else None
    libraries = _closure(root, head, machine)
    if libraries is None or (head.loader and loader is None):
        return None
    return Program(file.name if "/" in name else name, file, loader, libraries)


def _closure(root: Path, head: Linked, machine: str | None) -> tuple[tuple[str, Path], ...] | None:
    found: dict[str, Path] = {}
    waiting = list(head.needed)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        candidates = (treefile.find(root, f"{place}/{name}") for place in _library_places(root))
        file = next((path for path in candidates if path and _fits(path, machine)), None)
        needs = linked(file) if file else None
        if file is None or needs is None:
            return None
        found[name] = file
        waiting += needs.needed
    return tuple(sorted(found.items()))


def _library_places(root: Path) -> Iterator[str]:
    """Yield where libraries lie: Debian's directories of one machine, and those of the others."""
    for place in _LIBRARIES:
        if directory := treefile.find(root, place):
            yield from sorted(f"{place}/{path.name}" for path in directory.glob("*-linux-*") if path.is_dir())
        yield place


def _fits(path: Path, machine: str | None) -> bool:
    elf = read_elf_file(path)
    return elf is not None and machine in (None, elf.machine)
