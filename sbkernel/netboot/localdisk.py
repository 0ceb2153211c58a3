"""The local disks of a node: what its partitionfile says, as words of the kernel's command line.

The words come from where kernel and initrd come from: who could change them could do anything to the disk anyway. The
node's kcmdline shows them. In a file of its own, fetched later, they would be one more thing that somebody changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.store.interface import Store
from sbkernel.definitions.xcattables.rows import rows
from sbkernel.definitions.xcattables.rowshape import is_enabled
from sbkernel.errors import DefinitionError, ListFileError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.initrd.rootkinds import DISK, PROGRAM_OF
from sbkernel.lists.partitionfile import Disk, Layout, Space, layout_of, parse
from sbkernel.lists.partitionwords import WordError, read_directories

USUAL = parse("enable=yes\nenablepart=yes\n[disk]\ndev=only\nparts=100\n[rootspace]\ndev=only-part1\n")
"""What a root on the disk gets without a partitionfile: all of the only disk, if that is empty."""
_USUAL_TYPE = "ext4"
_AGAIN = "sb genimage {image}, sb packimage {image}, then nodeset again"


class LocalDisks(NamedTuple):
    """What becomes of local disks; `litefile` are the directories that xCAT's table of that name puts there."""

    layout: Layout | None = None
    litefile: tuple[str, ...] = ()


def local_disks(store: Store, image: Definition) -> LocalDisks:
    """Return what an osimage makes of local disks. Raises NotFoundError, ListFileError, DefinitionError."""
    layout = layout_of(image.attributes)
    if not layout or not layout.enabled:
        return LocalDisks()
    return LocalDisks(layout, _litefile(store, image))


def _litefile(store: Store, image: Definition) -> tuple[str, ...]:
    """Return the directories with the option localdisk for an image, one of its groups, or all (xCAT: litefile)."""
    names = {"", "ALL", image.name, *(group.strip() for group in image.get("groups").split(","))}
    ours = (row for row in rows(store, "litefile") if is_enabled(row) and row.get("image", "") in names)
    files = [row["file"] for row in ours if "localdisk" in row.get("options", "").split(",")]
    for file in files:
        if not file.endswith("/"):
            raise DefinitionError(
                f"table litefile: {file} has the option localdisk, and only directories can lie on a local disk",
                hint=f"the file of a directory ends in a slash: {file}/",
            )
    try:
        return read_directories(",".join(files))
    except WordError as error:
        raise DefinitionError(f"table litefile: {error}", hint=error.remedy) from None


def disk_words(disks: LocalDisks, kind: str) -> list[tuple[str, str]]:
    """Return the words for a node whose root is of a `kind`. ListFileError for a layout that is not enough for it."""
    layout, on_disk = disks.layout, kind == DISK
    if layout is None:
        layout = USUAL if on_disk else Layout()
    spaces = [_completed(space, disks.litefile) for space in layout.spaces]
    if on_disk and not any(space.kind == "rootspace" for space in spaces):
        file, hint = layout.document.file, "write [rootspace], and below it dev= with one of the partitions"
        raise ListFileError(file, 1, "rootkind=disk needs a [rootspace]", hint=hint)
    made = {disk.dev: disk for disk in layout.disks} if layout.partitions else {}
    words = []
    for dev in dict.fromkeys([*made, *(space.partition.disk for space in spaces)]):
        here = [space for space in spaces if space.partition.disk == dev]
        rules, parts = ("none", "keep"), _found(here, on_disk)
        if disk := made.get(dev):
            rules, parts = (disk.table, _rule(disk)), _made(disk, here, on_disk)
        words.append(("sbkernel.disk", ",".join([dev, *rules, *parts])))
    return [*words, *([("sbkernel.diskfail", "ram")] if words and layout.falls_back else [])]


def why_not(
    words: Sequence[tuple[str, str]], disks: LocalDisks, kind: str, version: ImageVersion
) -> tuple[str, str] | None:
    """Return why a version cannot do what the words say, and what to do about it; None if it can."""
    if not words:
        return None
    if DISK not in version.root_kinds:
        return "was packed before its osimage had a partitionfile", _AGAIN
    if kind == DISK and version.unpacked_bytes:
        return "is an archive, and rootkind=disk needs a root that can be mounted", "sb packimage -m squashfs {image}"
    there = {name for program in version.data.get("programs", ()) for name in program}
    for fstype, program in PROGRAM_OF.items():
        if disks.layout and fstype in disks.layout.fstypes and program not in there:
            return f"was packed before its partitionfile said {fstype}", _AGAIN
    return None


def _completed(space: Space, litefile: Sequence[str]) -> Space:
    """Return a space that names its directories."""
    if space.kind != "localspace" or space.directories:
        return space
    if litefile:
        return replace(space, directories=tuple(litefile))
    raise space.line.error(
        "[localspace] names no directories, nor does a row of the table litefile", hint="mount=/var,/tmp,/scratch"
    )


def _rule(disk: Disk) -> str:
    return "wipe" if disk.wipe else "clear" if disk.clear else "keep"


def _made(disk: Disk, spaces: Iterable[Space], on_disk: bool) -> Iterator[str]:
    """Yield the partitions that a disk gets."""
    uses = {space.partition.number: space for space in spaces}
    for number, span in enumerate(disk.spans, start=1):
        yield f"{span}:{_use(uses.get(number), disk.fstype, on_disk)}"


def _found(spaces: Iterable[Space], on_disk: bool) -> Iterator[str]:
    """Yield the partitions of a disk that has its partitions already."""
    return (f"{space.partition.number}:{_use(space, '', on_disk)}" for space in spaces)


def _use(space: Space | None, fstype: str, on_disk: bool) -> str:
    """Return what the initrd makes of a partition: TYPE:RULE:USE."""
    if space is None:
        return f"{fstype or '-'}:keep:"
    if space.kind == "swapspace":
        return "swap:keep:"
    use = "+".join(space.directories)
    if space.kind == "rootspace":
        use = f"root+{space.overlay}" if on_disk else ""
    return f"{space.fstype or fstype or _USUAL_TYPE}:{'wipe' if space.wipe else 'keep'}:{use}"
