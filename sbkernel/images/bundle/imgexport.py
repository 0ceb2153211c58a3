"""imgexport: a version as xCAT's imgimport reads it: a tgz of manifest.xml, kernel, initrd, packed root and lists."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sbkernel.definitions.clone import LISTS
from sbkernel.definitions.listpaths import platform
from sbkernel.errors import BuildError, DefinitionError, NotFoundError
from sbkernel.images.bundle import manifestxml
from sbkernel.images.bundle.description import FSTAB, Description
from sbkernel.images.bundle.manifestxml import Manifest
from sbkernel.images.bundle.oci import Sum, compressed
from sbkernel.images.bundle.portable import INSTALLDIR, SHARE, elements
from sbkernel.images.bundle.tarfiles import END, PIECE, directory, header, padding
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.jobs.report import Report
from sbkernel.site import Site
from sbkernel.units import size

INSTALL = Path("/install")
SCRIPTS = ("postscripts", "postbootscripts")
KERNEL, RAMDISK = "kernel", "initrd-stateless.gz"
_ROOTS = {"root.squashfs": "rootimg.sfs"} | {
    f"root.{kind}.{ending}": f"rootimg.{kind}.{ending}" for kind in ("cpio", "tar") for ending in ("gz", "xz")
}
"""What xCAT calls a packed root; it knows no others."""


@dataclass(frozen=True)
class More:
    """What else goes along: files with the directory they belong in, and the scripts of a node."""

    extra: Sequence[tuple[Path, str]] = ()
    scripts: Mapping[str, str] | None = None


def more(site: Site, extra: Sequence[str], node: str) -> More:
    """Return what -e FILE:DIRECTORY and -p NODE ask for; NotFoundError for what is not there."""
    return More(tuple(map(_extra, extra)), _scripts(site, node) if node else None)


def write(
    out: BinaryIO, described: Description, version: ImageVersion, report: Report, further: More = More()
) -> list[str]:
    """Write the bundle; return remarks. BuildError for a root that xCAT does not know, DefinitionError for none."""
    if described.osimage is None:
        raise DefinitionError(
            f"osimage {described.image} is not defined any more", hint="xCAT's bundles hold a definition"
        )
    if len(version.roots) > 1 or version.roots[0].name not in _ROOTS:
        names = ", ".join(root.name for root in version.roots)
        raise BuildError(f"xCAT knows no packed root such as {names}", hint="sb packimage -m squashfs, or -c gzip")
    files, manifest = _contents(described, version, further)
    done, total = 0, sum(len(one) if isinstance(one, bytes) else one.stat().st_size for one in files.values())
    top = f"./{described.image}"
    with report.phase("compress the bundle", total=total), compressed(Sum(out)) as tar:
        tar.write(directory(".") + directory(top))
        for name, source in sorted(
            {**files, "manifest.xml": manifest.text().encode("utf-8", "surrogateescape")}.items()
        ):
            count = len(source) if isinstance(source, bytes) else source.stat().st_size
            tar.write(header(f"{top}/{name}", count, _mode(source, name, described)))
            for piece in _pieces(source):
                tar.write(piece)
                done += len(piece)
                report.progress(min(done, total), total, size(done))
            tar.write(padding(count))
        tar.write(END)
    return [
        "its initrd reads the boot words of nodeset here: under xCAT, run genimage and packimage before nodes boot it"
    ]


def _contents(described: Description, version: ImageVersion, further: More) -> tuple[dict[str, bytes | Path], Manifest]:
    osimage = dict(described.osimage or {})
    tree = _xcat(osimage.get("rootimgdir", ""), osimage) or str(
        INSTALL / "netboot" / osimage.get("osvers", "") / osimage.get("osarch", "") / osimage.get("profile", "")
    )
    root = _ROOTS[version.roots[0].name]
    files: dict[str, bytes | Path] = {KERNEL: version.kernel, RAMDISK: version.initrd, root: version.root}
    parts = {"kernel": f"{tree}/{KERNEL}", "ramdisk": f"{tree}/{RAMDISK}", "rootimg": f"{tree}/{root}"}
    for one in described.lists:
        if one.attribute != FSTAB:
            _add(files, Path(one.path).name, one.content)
    for attribute in LISTS.keys() & osimage.keys():
        osimage[attribute] = ",".join(_element(one, osimage) for one in elements(osimage[attribute]))
    values = {**{key: _xcat(value, osimage) for key, value in osimage.items()}, "rootimgdir": tree}
    for source, _ in further.extra:
        for name, file in _extra_files(source):
            _add(files, name, file)
    extra = [(str(source), target) for source, target in further.extra]
    columns = manifestxml.of_attributes(described.image, values)
    return files, Manifest(columns, parts, extra, dict(further.scripts or {}))


def _add(files: dict[str, bytes | Path], name: str, source: bytes | Path) -> None:
    if files.setdefault(name, source) != source:
        raise DefinitionError(
            f"two files are called {name}", hint="a bundle of xCAT has one directory: rename one of them"
        )


def _xcat(value: str, osimage: Mapping[str, str]) -> str:
    """Return an attribute with the places that xCAT has."""
    own = INSTALL / "custom/netboot" / platform(osimage.get("osvers", ""))
    shipped = [
        one.replace(str(Path(one).parent), str(own)) if one.startswith(f"{SHARE}/") else one for one in value.split(",")
    ]
    return ",".join(shipped).replace(str(INSTALLDIR), str(INSTALL))


def _element(element: str, osimage: Mapping[str, str]) -> str:
    path, blank, rest = element.partition(" ")
    return f"{_xcat(path, osimage)}{blank}{rest}"


def _mode(source: bytes | Path, name: str, described: Description) -> int:
    if isinstance(source, Path):
        return 0o755 if source.stat().st_mode & 0o100 else 0o644
    return next((one.mode for one in described.lists if Path(one.path).name == name), 0o644)


def _pieces(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb", buffering=0) as stream:
        while piece := stream.read(PIECE):
            yield piece


def _extra(word: str) -> tuple[Path, str]:
    name, _, target = word.partition(":")
    file = Path(name).absolute()
    if not os.access(file, os.R_OK) or not (file.is_file() or file.is_dir()):
        raise NotFoundError(f"Can not find Extra file {name}.", hint="write -e FILE:DIRECTORY")
    return file, target or str(file if file.is_dir() else file.parent)


def _extra_files(source: Path) -> Iterator[tuple[str, Path]]:
    """Yield what goes along, by its name in the bundle: a file by its own, a directory's by their whole paths."""
    if source.is_file():
        yield f"extra/{source.name}", source
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"extra{path}", path


def _scripts(site: Site, noderange: str) -> dict[str, str]:
    node = site.nodes[site.noderange(noderange)[0]]
    return {name: value for name in SCRIPTS if (value := node.peek(name))}
