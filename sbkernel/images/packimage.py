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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, NotFoundError
from sbkernel.images import rootimgdir
from sbkernel.images.catalog import Catalog, ImageVersion, file_facts
from sbkernel.images.installed import of_built
from sbkernel.images.packlist import PackList, pack_list
from sbkernel.images.plan import digest_of
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.squashfs import PackOptions, exclude_patterns, follow, pack_argv
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.jobs.run import run
from sbkernel.lists import exlist
from sbkernel.lists.text import paths_of
from sbkernel.site import Site

FORMAT = 1


@dataclass(frozen=True)
class _Source:
    """What is packed: the built directory, what the list leaves of it, and how."""

    image: str
    built: RootimgDir
    record: Mapping[str, Any]
    options: PackOptions
    listed: PackList

    @property
    def epoch(self) -> int:
        """Return the time stamp of the packed file system itself: that of the newest file in it."""
        return self.listed.newest

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

    @property
    def inputs(self) -> str:
        """Return the digest of everything the packed image depends on; the packages are files of the tree."""
        facts = [
            self.asked,
            {key: value for key, value in self.record.items() if key != "made"},
            self.epoch,
            self.listed.fingerprint,
            self.listed.excluded,
            file_facts(self.built.kernel),
            file_facts(self.built.initrd),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


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
    """Pack an image and publish it; return digest, size (bytes), seconds, cached, packages, image, root_sha256.

    `level` is that of the compression, 3 for zstd by default. When nothing has changed since it was packed, the
    name is pointed at that version and `cached` is true, unless `force`. A file changed without a change of its
    size, mode, owner or time stamp goes unseen.
    Raises NotFoundError, BuildError, LockedError, ListFileError, DefinitionError, CommandError.
    """
    report = report or NullReport()
    start = time.monotonic()
    options = PackOptions(compression, level, block_size)
    built = built_by_genimage(site, image)
    with lock(built.path, "packimage"):
        with report.phase("compare"):
            source = _source(site, image, built, options, report)
        catalog = Catalog(site)
        version = None if force else _packed_before(catalog, source)
        cached = version is not None
        if version is None:
            version = _pack(catalog, source, report)
    return {
        "image": image,
        "digest": version.digest,
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


def _source(site: Site, image: str, built: RootimgDir, options: PackOptions, report: Report) -> _Source:
    patterns = exlist.load(paths_of(site.osimages[image].get("exlist")))
    for warning in patterns.warnings:
        report.log(warning)
    listed = _list(built.tree, list(patterns.exclude), list(patterns.include))
    return _Source(image, built, built.record(), options, listed)


def _list(tree: Path, exclude: list[str], include: list[str]) -> PackList:
    if os.geteuid() == 0:
        return pack_list(tree, exclude, include)
    asked = json.dumps({"tree": str(tree), "exclude": exclude, "include": include})
    done = run([sys.executable, "-m", "sbkernel.images.packlist"], input=asked, isolated=True)
    found = json.loads(done.stdout)
    return PackList(**{**found, "excluded": tuple(found["excluded"])})


def _packed_before(catalog: Catalog, source: _Source) -> ImageVersion | None:
    pointer = catalog.pointer(source.image)
    digest = pointer.packed_from(source.inputs)
    if not digest or not (catalog.path / digest).is_dir():
        return None
    if digest == pointer.digest:
        return catalog.get(digest)
    return catalog.point(source.image, digest, inputs=source.inputs)


def _pack(catalog: Catalog, source: _Source, report: Report) -> ImageVersion:
    with catalog.staging() as staged:
        with report.phase("pack", total=source.listed.size), ThreadPoolExecutor() as pool:
            reading = pool.submit(of_built, source.built, source.image, source.epoch)
            _squash(source, staged / "root.squashfs", report)
            manifest = reading.result()
        with report.phase("publish"):
            shutil.copyfile(source.built.kernel, staged / "kernel")
            shutil.copyfile(source.built.initrd, staged / "initrd")
            (staged / "manifest.json").write_text(manifest.to_json())
            return catalog.publish(staged, {**source.asked, "packages": len(manifest)}, source.inputs)


def _squash(source: _Source, output: Path, report: Report) -> None:
    text, odd = exclude_patterns(source.listed.excluded)
    exclude_file = output.with_name(".exclude")
    exclude_file.write_text(text, encoding="utf-8", errors="surrogateescape")
    run(
        pack_argv(source.built.tree, output, source.options, exclude_file, odd),
        env={"SOURCE_DATE_EPOCH": str(source.epoch)},
        on_line=follow(report, source.listed.size),
        isolated=os.geteuid() != 0,
    )
    exclude_file.unlink()
