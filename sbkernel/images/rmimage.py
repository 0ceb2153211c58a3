"""rmimage: remove what genimage has built of an osimage, and its definition too if that is asked for.

Versions that packimage has published stay in the catalog, for the nodes that boot them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images import rootimgdir
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.pack.packlist import mounts_below
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import attributes_of
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

METHODS = ("netboot", "statelite", "sysclone", "raw")
"""The provmethods whose images xCAT's rmimage removes."""

# The record goes first: whoever is killed here leaves no image that looks whole. The others are xCAT's names.
_NAMES = ("plan.json", "rootimg", ".copied", ".sums", ".units", ".old", ".new", ".sync", "kernel",
          "initrd-stateless.gz", "initrd-statelite.gz", "manifest.json", "fstab.default", "fstab.edited", "rootimg.gz",
          "rootimg.sfs")  # fmt: skip
_PATTERNS = ("rootimg.cpio.*", "rootimg.tar.*")


@dataclass(frozen=True)
class Removal:
    """What rmimage removes and what stays: files of the directory that it did not make, published versions, nodes."""

    image: str
    directory: Path
    files: tuple[Path, ...]
    others: tuple[Path, ...]
    versions: tuple[str, ...]
    nodes: tuple[str, ...]
    definition: bool

    def __str__(self) -> str:
        """Return it as text, a line for each thing."""
        lines = [f"remove  {file}" for file in self.files]
        lines += [f"remove  the definition of {self.image}"] if self.definition else []
        return "\n".join([*(lines or ["nothing to remove"]), *(f"keep    {line}" for line in self.kept)])

    @property
    def kept(self) -> list[str]:
        """Return what stays, with the reason, a line each."""
        lines = [f"{file}: not made by genimage" for file in self.others]
        if self.versions:
            lines.append(
                f"{len(self.versions)} published version{'s'[: len(self.versions) > 1]} of {self.image}:"
                " nodes may boot them; sb gc removes those that nobody needs"
            )
        if self.nodes and self.definition:
            lines.append(f"provmethod={self.image} of {', '.join(self.nodes)}: set another image by sb nodeset")
        return lines


def plan_rmimage(site: Site, image: str, *, xcatdef: bool = False) -> Removal:
    """Return what rmimage would remove; nothing is changed.

    Raises NotFoundError, and DefinitionError for a directory that may hold other things, or another image.
    """
    attributes = attributes_of(site, image)
    if attributes.get("provmethod") not in METHODS:
        raise DefinitionError(
            f"'{image}' is not an image that genimage builds: its provmethod is {attributes.get('provmethod', '')!r}",
            hint=f"rmimage knows {', '.join(METHODS)}",
        )
    directory = rootimgdir.checked(site, image, attributes)
    made = tuple(_made(directory))
    others = sorted(set(directory.iterdir()) - set(made)) if directory.is_dir() else []
    versions = tuple(one.digest for one in Catalog(site).versions(image))
    return Removal(image, directory, made, tuple(others), versions, tuple(_nodes(site, image)), xcatdef)


def rmimage(site: Site, image: str, *, xcatdef: bool = False, report: Report | None = None) -> Removal:
    """Remove the root tree, kernel and initrd of an osimage, and its definition if `xcatdef`; return what was done.

    Raises what plan_rmimage raises, LockedError while genimage or packimage works there, and BuildError while
    something is mounted there.
    """
    report = report or NullReport()
    removal = plan_rmimage(site, image, xcatdef=xcatdef)
    if removal.files:
        with lock(removal.directory, "rmimage"):
            removal = plan_rmimage(site, image, xcatdef=xcatdef)
            _refuse_mounts(removal.directory)
            for file in removal.files:
                report.log(f"Removing file {file}")
                _remove(RootimgDir(removal.directory), file)
    with contextlib.suppress(OSError):  # it is not empty, or not there
        removal.directory.rmdir()
    if xcatdef:
        site.delete("osimage", image)
    return removal


def _made(directory: Path) -> Iterator[Path]:
    """Yield what genimage and packimage, ours or xCAT's, have made in a directory, in the order of its removal."""
    yield from (directory / name for name in _NAMES if (directory / name).exists() or (directory / name).is_symlink())
    for pattern in _PATTERNS:
        yield from sorted(directory.glob(pattern))


def _refuse_mounts(directory: Path) -> None:
    mounts = sorted(mounts_below(directory, Path("/proc/self/mountinfo").read_text()))
    if mounts:
        where = directory / mounts[0]
        raise BuildError(f"{where} is mounted: nothing was removed", hint=f"umount {where}")


def _remove(directory: RootimgDir, file: Path) -> None:
    """Remove a file, or a tree: out of sight first, so that none is ever half there."""
    if file == directory.tree and not directory.old.exists() and not file.is_symlink():
        file.rename(directory.old)
        file = directory.old
    remove_tree(file)


def _nodes(site: Site, image: str) -> list[str]:
    """Return the nodes that are set to an image, pinned to a version of it or not."""
    return sorted(
        one.name for one in site.nodes.many(site.nodes).values() if one.get("provmethod").partition("@")[0] == image
    )
