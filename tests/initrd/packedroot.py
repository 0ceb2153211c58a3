"""Pack a root with its hash tree, and make an initrd for some kinds of root, as genimage and packimage would."""

from collections.abc import Sequence
from pathlib import Path

from sbkernel.images.initrd.build import build_initrd
from sbkernel.images.initrd.programs import add_programs, programs_for
from sbkernel.images.initrd.rootkinds import KINDS
from sbkernel.images.pack import verity
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.jobs.report import NullReport

NOWHERE = Path("/nonexistent")


def packed(tree: Path, file: Path) -> tuple[bytes, str]:
    """Return the packed root and its root hash."""
    Squashfs().pack(content_of(tree, exclude=[], include=[]), file, NullReport())
    root_hash = verity.add(file)
    return file.read_bytes(), root_hash


def initrd_for(names: Sequence[str], kernel_tree: Path, kernelver: str, place: Path) -> Path:
    """Return an initrd that makes roots of those kinds, and checks them."""
    kinds = {name: KINDS[name] for name in names}
    build_initrd(kernel_tree, kernelver, ["virtio_net"], place / "plain", kinds=kinds)
    programs = dict.fromkeys(["dmsetup", *(one for kind in kinds.values() for one in kind.programs)])
    add_programs(place / "plain", programs_for(list(programs), NOWHERE), place / "initrd")
    return place / "initrd"
