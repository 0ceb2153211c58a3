"""packimage: pack the root tree that genimage built and publish it in the catalog.

xCAT packs in place, so that nodes booting meanwhile get errors; here nothing is visible until it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, NotFoundError
from sbkernel.images import rootimgdir
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import Source
from sbkernel.images.catalog.version import ImageVersion, file_facts
from sbkernel.images.pack import packlist
from sbkernel.images.pack.packlist import Look, PackList
from sbkernel.images.pack.squashfs import WHOLE, PackOptions, exclude_patterns, follow, memory_mb, pack_argv
from sbkernel.images.plan import digest_of
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.installed import of_built
from sbkernel.jobs.lock import lock, lock_file
from sbkernel.jobs.report import NullReport, Report
from sbkernel.jobs.run import run
from sbkernel.lists import exlist
from sbkernel.lists.text import paths_of
from sbkernel.site import Site

FORMAT = 1


@dataclass(frozen=True)
class _Packing:
    """What is packed: the built directory, what the list leaves of it, and how."""

    image: str
    built: RootimgDir
    record: Mapping[str, Any]
    options: PackOptions
    listed: PackList

    @property
    def asked(self) -> dict[str, Any]:
        """Return what image.json says about how the image was made."""
        return {
            "format": FORMAT,
            "image": self.image,
            "kernelver": self.record.get("kernelver", ""),
            "plan": digest_of(self.record.get("steps", {})),
            "pack": self.options.as_dict(),
        }

    @cached_property
    def inputs(self) -> str:
        """Return the digest of all that the packed image depends on beside what lies in the tree."""
        facts = [
            self.asked,
            {key: value for key, value in self.record.items() if key != "made"},
            file_facts(self.built.kernel),
            file_facts(self.built.initrd),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def source(self) -> Source:
        """Return what is packed, as digests; a tree in which something was changed since it was locked is not known."""
        look = Look(**_in_tree(packlist.look, tree=str(self.built.tree), kept=self.listed.kept))
        locked_ns = lock_file(self.built.path).stat().st_ctime_ns
        return Source(self.inputs, look.fingerprint if look.changed_ns <= locked_ns else "")


def packimage(
    site: Site,
    image: str,
    *,
    report: Report | None = None,
    compression: str = "zstd",
    level: int | None = None,
    block_size: str = "128K",
    force: bool = False,
) -> dict[str, Any]:
    """Pack and publish an image; return image, digest, current, root_sha256, size (bytes), packages, cached, seconds.

    `level` is that of the compression, 3 for zstd by default. When nothing has changed since it was packed, it is
    not packed again and `cached` is true, unless `force`. A file changed without a change of its size, mode, owner
    or time stamp goes unseen. `current`, the digest that nodes boot, is another than `digest` while a rollback holds.
    Raises NotFoundError, BuildError, LockedError, ListFileError, DefinitionError, CommandError.
    """
    report = report or NullReport()
    start = time.monotonic()
    options = PackOptions(compression, level, block_size)
    built = built_by_genimage(site, image)
    with lock(built.path, "packimage"):
        catalog = Catalog(site)
        with report.phase("compare"):
            packing = _packing(site, image, built, options, report)
            version = None if force else _packed_before(catalog, packing)
        cached = version is not None
        if version is None:
            version = _pack(catalog, packing, report)
    return {
        "image": image,
        "digest": version.digest,
        "current": catalog.pointers(image).current,
        "size": version.root_size,
        "root_sha256": version.root_sha256,
        "packages": version.data["packages"],
        "cached": cached,
        "seconds": round(time.monotonic() - start, 3),
    }


def built_by_genimage(site: Site, image: str) -> RootimgDir:
    """Return the directory an image was built in; BuildError if the build is missing or not whole."""
    try:
        attributes = site.osimages[image].attributes
    except NotFoundError as error:
        raise NotFoundError(f"Cannot find image '{image}' from the osimage table.", hint=error.message) from None
    built = RootimgDir(rootimgdir.checked(site, image, attributes))
    for path, what in ((built.tree, "root tree"), (built.kernel, "kernel"), (built.initrd, "initrd")):
        if not path.exists():
            raise BuildError(
                f'Did you run "genimage" before running "packimage"? {what} cannot be found at {path}',
                hint=f"sb genimage {image}",
            )
    return built


def _packing(site: Site, image: str, built: RootimgDir, options: PackOptions, report: Report) -> _Packing:
    patterns = exlist.load(paths_of(site.osimages[image].get("exlist")))
    for warning in patterns.warnings:
        report.log(warning)
    words = {"exclude": list(patterns.exclude), "include": list(patterns.include)}
    listed = PackList(**_in_tree(packlist.pack_list, tree=str(built.tree), **words))
    return _Packing(image, built, built.record(), options, listed)


def _in_tree(function: Callable[..., PackList | Look], **arguments: Any) -> dict[str, Any]:
    """Call one of packlist's functions where it may read the tree; return the fields of its answer."""
    if os.geteuid() == 0:
        return vars(function(**arguments))
    argv = [sys.executable, "-m", packlist.__name__, function.__name__]
    fields: dict[str, Any] = json.loads(run(argv, input=json.dumps(arguments), isolated=True).stdout)
    return fields


def _packed_before(catalog: Catalog, packing: _Packing) -> ImageVersion | None:
    pointers = catalog.pointers(packing.image)
    if not pointers.knows(packing.inputs):
        return None
    source = packing.source()
    digest = pointers.packed_from(source)
    return catalog.publish_again(packing.image, digest, source) if digest else None


def _pack(catalog: Catalog, packing: _Packing, report: Report) -> ImageVersion:
    built = packing.built
    with catalog.staging() as staged, ThreadPoolExecutor(1) as beside:
        with report.phase("pack", total=WHOLE):
            for name, file in (("kernel", built.kernel), ("initrd", built.initrd)):
                shutil.copyfile(file, staged.path / name)
                staged.add(name)
            reading = beside.submit(of_built, built, packing.image)
            _squash(packing, staged.path, report)
        with report.phase("publish"):
            # Not beside mksquashfs, which leaves no processor idle; the sum needs only one.
            looking = beside.submit(packing.source)
            staged.add("root.squashfs")
            manifest = reading.result()
            (staged.path / "manifest.json").write_text(manifest.to_json())
            staged.add("manifest.json")
            source = looking.result()
            if not source.tree:
                report.log("the tree was changed while it was packed: the next packimage packs it again")
            return catalog.publish(staged, {**packing.asked, "packages": len(manifest)}, source)


def _squash(packing: _Packing, place: Path, report: Report) -> None:
    text, odd = exclude_patterns(packing.listed.excluded)
    exclude_file = place / ".exclude"
    exclude_file.write_text(text, encoding="utf-8", errors="surrogateescape")
    argv = pack_argv(
        packing.built.tree,
        place / "root.squashfs",
        packing.options,
        exclude_file,
        odd,
        made=int(packing.built.tree.lstat().st_mtime),
        memory_mb=memory_mb(len(os.sched_getaffinity(0)), _machine_mb()),
    )
    run(
        argv,
        env={"SOURCE_DATE_EPOCH": None},  # mksquashfs takes one way of saying when, not two
        on_line=follow(report),
        isolated=os.geteuid() != 0,
    )
    exclude_file.unlink()


def _machine_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
