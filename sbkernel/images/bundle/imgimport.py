"""imgimport: a bundle of xCAT's imgexport: its definition, its lists, and its root as a tree that packimage packs.

xCAT's own initrd reads xCAT's boot words, so one of ours is built from the modules in the tree.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbkernel.definitions.clone import LISTS, relocated
from sbkernel.errors import BuildError, DefinitionError, SbkernelError
from sbkernel.images import rootimgdir
from sbkernel.images.bundle import manifestxml
from sbkernel.images.bundle.description import LARGEST_TEXT, ListFile
from sbkernel.images.bundle.imgexport import INSTALL, SCRIPTS
from sbkernel.images.bundle.laying import How, Lay, Laying, laid, plan_laying, with_more
from sbkernel.images.bundle.manifestxml import Manifest
from sbkernel.images.bundle.portable import INSTALLDIR, elements, here
from sbkernel.images.bundle.tarfiles import Tar
from sbkernel.images.bundle.trust import check_unsigned
from sbkernel.images.bundle.unpacking import unpack
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import file_facts
from sbkernel.images.initrd.build import DEFAULT_DRIVERS, build_initrd
from sbkernel.images.initrd.rootkinds import root_kinds
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import attributes_of
from sbkernel.images.tree.kernel import choose_kernel
from sbkernel.images.tree.namespaces import check_isolation, remove_tree
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import Report
from sbkernel.packages import treefile
from sbkernel.site import Site
from sbkernel.units import size

_ROOT = re.compile(r"rootimg\.(gz|sfs|(cpio|tar)\.(gz|xz))")
_MOST = 100_000
"""Files that a bundle may have."""
_PLACES = ((INSTALL, INSTALLDIR),)
_NETBOOT = "netboot"


@dataclass(frozen=True)
class Unbundled:
    """What manifest.xml says, and the files by their names in the bundle: where each lies now, its mode, its sha256."""

    source: Path
    manifest: Manifest
    files: Mapping[str, tuple[Path, int, str]]

    def file(self, path: str) -> Path:
        """Return a file that imgexport put beside manifest.xml under its own name. BuildError if it is missing."""
        name = Path(path).name
        if name not in self.files:
            raise BuildError(
                f"{self.source.name} lacks {name}, which its manifest.xml names", hint="export it once more"
            )
        return self.files[name][0]

    def text(self, path: str) -> bytes:
        """Return the content of a list or script. BuildError if it is missing, or too large to be one."""
        file = self.file(path)
        if file.stat().st_size > LARGEST_TEXT:
            raise BuildError(
                f"{self.source.name}: {Path(path).name} is too large for a list", hint="nothing was imported"
            )
        return file.read_bytes()


def import_xcat(
    site: Site, path: Path, how: How, report: Report, *, profile: str = "", nodes: str = ""
) -> dict[str, Any]:
    """Take over a bundle of xCAT; return what import_image returns, without a digest: packimage gives it one.

    `profile` is another profile, which gives the osimage xCAT's name for it; `nodes` get the bundle's postscripts.
    """
    started = time.monotonic()
    check_unsigned(site, path.name, unsigned=how.unsigned)
    names = site.noderange(nodes) if nodes else []
    with Catalog(site).staging() as staged:
        with report.phase("unbundle"):
            found = _unbundle(path, staged.path, report)
        laying, remarks = _laying(site, found, _named(found.manifest, how, profile))
        built = found.manifest.columns["osimage"]["provmethod"] == _NETBOOT
        there = built and _is_built(site, laying, found)
        if built and not there:
            _check_place(site, laying, how)
        with laid(site, laying):
            if built and not there:
                remarks += _build(site, laying.name, found, report)
            _set_postscripts(site, names, found.manifest)
    if not built:
        remarks.append("only netboot images are built here: it is defined, and nothing was unpacked")
    return {
        "image": laying.name, "digest": "", "was": "", "there": there, "laid": laying.said, "current": "",
        "size": 0, "remarks": remarks, "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip


def _unbundle(path: Path, place: Path, report: Report) -> Unbundled:
    """Write every file of a bundle under a number, as no name in it is one of ours yet."""
    files: dict[str, tuple[Path, int, str]] = {}
    tops: set[str] = set()
    done = 0
    with decompressed(path, ["gzip", "-d", "-c"]) as stream:
        for member in (tar := Tar(path.name, stream)):
            top, _, name = member.name.partition("/")
            if member.kind == "directory" or not member.name:
                continue
            if member.kind != "file" or not name:
                raise tar.error(f"it has a {member.kind} {member.name!r}, which no bundle of imgexport has")
            tops.add(top)
            if name in files or len(tops) > 1 or len(files) > _MOST:
                raise tar.error(f"{member.name!r} comes twice, or it holds several images")
            file, digest = place / f"file-{len(files)}", hashlib.sha256()
            with file.open("xb") as out:
                for piece in tar.chunks():
                    out.write(piece)
                    digest.update(piece)
                    done += len(piece)
                    report.progress(done, None, size(done))
            files[name] = (file, member.mode, digest.hexdigest())
    if "manifest.xml" not in files:
        raise BuildError(f"{path.name}: Failed to find manifest.xml file in image bundle", hint="nothing was imported")
    text = files["manifest.xml"][0]
    if text.stat().st_size > LARGEST_TEXT:
        raise BuildError(f"{path.name}: its manifest.xml is too large", hint="nothing was imported")
    return Unbundled(path, manifestxml.parse(text.read_bytes(), path.name), files)


def _named(manifest: Manifest, how: How, profile: str) -> How:
    """Return how to lay it; another profile gives another name, as in xCAT."""
    columns = manifest.columns["osimage"]
    if not profile or profile == columns["profile"]:
        return how
    name = "-".join([columns["osvers"], columns["osarch"], columns["provmethod"], profile])
    return replace(how, name=name, profile=profile)


def _laying(site: Site, found: Unbundled, how: How) -> tuple[Laying, list[str]]:
    values, unknown = found.manifest.attributes()
    portable = {key: relocated(value, _PLACES) for key, value in values.items()}
    lists = [
        ListFile(attribute, number, path, found.files[Path(path).name][1], text)
        for attribute in LISTS.keys() & portable.keys()
        for number, element in enumerate(elements(portable[attribute]), start=1)
        for path in [element.partition(" ")[0]]
        for text in [found.text(path)]
    ]
    laying = plan_laying(site, found.manifest.image, portable, lists, how)
    extra, left = _extra(site, found)
    remarks = list(laying.remarks)
    remarks += [f"{name} is no attribute here, and was left out" for name in unknown]
    remarks += [f"{name} in the bundle is not for netboot images, and was left out" for name in found.manifest.others]
    remarks += [
        f"left out, because it belongs in {target}, which is no place for lists: {name}" for name, target in left
    ]
    return with_more(laying, extra, how), remarks


def _extra(site: Site, found: Unbundled) -> tuple[list[Lay], list[tuple[str, str]]]:
    """Return the further files that go below <installdir>/custom, and those that would go elsewhere."""
    lay: list[Lay] = []
    left: list[tuple[str, str]] = []
    for source, target in found.manifest.extra:
        directory = Path(here(site, relocated(target, _PLACES)))
        below = f"extra/{source.strip('/')}/"
        names = [name for name in found.files if name.startswith(below)] or [f"extra/{Path(source).name}"]
        for name in names:
            file = directory / name.removeprefix(below if len(below) < len(name) else "extra/")
            if name not in found.files or ".." in file.parts or not file.is_relative_to(site.installdir / "custom"):
                left.append((name, target))
                continue
            staged, mode, digest = found.files[name]
            if not (file.is_file() and file_facts(file)["sha256"] == digest):
                lay.append(Lay(file, staged, mode & 0o755, file.exists()))
    return lay, left


def _root(found: Unbundled) -> tuple[Path, str]:
    path = found.manifest.parts["rootimg"]
    if not _ROOT.fullmatch(Path(path).name):
        raise BuildError(f"{Path(path).name} is no packed root that xCAT makes", hint="nothing was imported")
    found.file(path)
    return found.files[Path(path).name][0], found.files[Path(path).name][2]


def _directory(site: Site, laying: Laying) -> RootimgDir:
    values = laying.values if laying.values is not None else attributes_of(site, laying.name)
    return RootimgDir(rootimgdir.checked(site, laying.name, values))


def _is_built(site: Site, laying: Laying, found: Unbundled) -> bool:
    return _directory(site, laying).record().get("imported") == _root(found)[1]


def _check_place(site: Site, laying: Laying, how: How) -> None:
    directory = _directory(site, laying)
    if directory.tree.exists() and not how.force:
        raise DefinitionError(
            f"osimage {laying.name} was built already in {directory.path}",
            hint="imgimport -f PROFILE or import-image --as NAME gives it a place of its own, --force replaces it",
        )


def _build(site: Site, image: str, found: Unbundled, report: Report) -> list[str]:
    """Unpack the root where genimage would build it, with the bundle's kernel and an initrd of ours; return remarks."""
    packed, digest = _root(found)
    kernel = found.file(found.manifest.parts["kernel"])
    attributes = attributes_of(site, image)
    directory = RootimgDir(rootimgdir.checked(site, image, attributes))
    check_isolation()
    with lock(directory.path, "imgimport"):
        remove_tree(directory.work)
        directory.work.mkdir(parents=True)
        try:
            tree = directory.new(directory.tree)
            with report.phase("unpack the root"):
                unpack(packed, tree)
            with report.phase("build the initrd"):
                kernelver = _kernelver(tree, attributes.get("kernelver", ""))
                drivers = [one for one in attributes.get("netdrivers", "").split(",") if one] or DEFAULT_DRIVERS
                kinds = root_kinds(attributes)
                build_initrd(tree, kernelver, drivers, directory.new(directory.initrd), kinds=kinds, report=report)
            shutil.copyfile(kernel, directory.new(directory.kernel))
            record = {"steps": {}, "outcomes": {}, "packages": 0, "kernelver": kernelver}
            directory.publish({**record, "imported": digest, "made": time.time()})
        finally:
            remove_tree(directory.work)
            remove_tree(directory.old)
    return [
        "the initrd of the bundle reads xCAT's boot words: one was built here",
        f"to publish it: sb packimage {image}",
    ]


def _kernelver(tree: Path, wanted: str) -> str:
    """Return the version of the kernel: xCAT packs no /boot, so the modules may be all that tells it."""
    try:
        return choose_kernel(tree, wanted)
    except SbkernelError:
        modules = treefile.find(tree, "lib/modules")
        names = sorted(path.name for path in modules.iterdir() if path.is_dir()) if modules else []
        if wanted in names or (not wanted and len(names) == 1):
            return wanted or names[0]
        said = f"{len(names)} kernels have modules in the root, and kernelver says none of them"
        raise BuildError(said, hint="name it on xCAT's side: chdef -t osimage IMAGE kernelver=VERSION") from None


def _set_postscripts(site: Site, nodes: list[str], manifest: Manifest) -> None:
    scripts = {name: manifest.postscripts[name] for name in SCRIPTS if name in manifest.postscripts}
    if nodes and scripts:
        site.change("node", dict.fromkeys(nodes, scripts), "imgimport -p")
