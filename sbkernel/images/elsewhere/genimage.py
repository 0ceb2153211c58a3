"""genimage on another machine: the osimage goes there with all that it names, its tree, kernel and initrd come back."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.files import made, write_whole
from sbkernel.images import options
from sbkernel.images.elsewhere.carrying import RECORD, unpack_tree
from sbkernel.images.elsewhere.given import given
from sbkernel.images.families import programs_of
from sbkernel.images.genimage import keep_captured
from sbkernel.images.order import check_inputs, files_of
from sbkernel.images.provenance.builder import builder
from sbkernel.images.provenance.made import PROVENANCE, list_states
from sbkernel.images.rootimgdir import INITRD, KERNEL, MANIFEST, TREE, RootimgDir
from sbkernel.images.spec import ImageSpec, attributes_of, read_spec
from sbkernel.images.tree.fstab import keep_edited
from sbkernel.images.tree.namespaces import check_isolation, remove_tree
from sbkernel.jobs import origin
from sbkernel.jobs.blobs import Blobs, Originals, Readable, inputs_of
from sbkernel.jobs.command import install_line
from sbkernel.jobs.launchers import launcher_named
from sbkernel.jobs.launchers.relay import Relayed
from sbkernel.jobs.lock import lock
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

FAR = "sbkernel.images.elsewhere.far"
_PROGRAMS = (
    "unshare", "setpriv", "mount", "pivot_root", "tar", "zstd", "cpio", "find", "modinfo", "busybox", "eatmydata",
)  # fmt: skip
"""What every build runs, beside what brings packages."""
_SETTINGS = ("timezone", "installdir", "ubuntu_apt_mirror")
"""Attributes of the site that a build depends on."""


def genimage_on(
    site: Site,
    image: str,
    *,
    on: str,
    report: Report | None = None,
    shared: bool = False,
    attributes: Mapping[str, str] | None = None,
    inputs: Mapping[str, Path] | None = None,
    locked: bool | str = False,
    force: bool = False,
    **asked: Any,
) -> dict[str, Any]:
    """Build an osimage at the place `on` as genimage would here; the arguments and the result are those of genimage.

    `shared`: installdir is the same directory there, as over NFS, and nothing below it is copied. Raises what genimage
    raises, JobError when the place cannot be reached or is lost, BuildError when it lacks programs.
    """
    started, report = time.monotonic(), report or NullReport()
    place = launcher_named(on)
    if not isinstance(place, Relayed):
        raise BuildError(f"{on} is no other machine", hint="leave --on out")
    values = {key: str(value) for key, value in asked.items() if key in (*options.STORED, options.ROOTLIMIT)}
    known = dict(attributes_of(site, image) if attributes is None else attributes)
    stored = options.checked(image, known, values)
    check_inputs(inputs or {})
    spec = read_spec(site, image, known, **options.replaced(stored))
    with place.held(spec.osarch, report) as one:
        build = _Build(site, spec, RootimgDir(spec.rootimgdir), one, on, shared, report)
        with nullcontext() if build.stays else lock(build.directory.path, "genimage"):
            keep_captured(build.directory, image, report, replaced=force, kept=False)
            done = build.run({**asked, "locked": locked, "force": force}, known)
    options.store(site, image, stored)
    return {**done, "seconds": round(time.monotonic() - started, 1)}


@dataclass(frozen=True)
class _Build:
    """One build at another place."""

    site: Site
    spec: ImageSpec
    directory: RootimgDir
    place: Relayed
    on: str
    shared: bool
    report: Report
    _came: list[str] = field(default_factory=list)

    @property
    def same(self) -> tuple[Path, ...]:
        """Return the directories that the place has, too."""
        return (self.site.installdir,) if self.shared else ()

    @property
    def stays(self) -> bool:
        """Tell whether what is built there is here without being brought."""
        return any(self.directory.path.is_relative_to(one) for one in self.same)

    def run(self, asked: Mapping[str, Any], attributes: Mapping[str, str]) -> dict[str, Any]:
        """Look at the place, order the build, and put in place what comes back."""
        with self.report.phase(f"look at {self.on}"):
            there = self._look()
        blobs = Originals(inputs_of(self.site).directory)
        with self.report.phase("find what it needs"):
            locks = [Path(asked["locked"])] if isinstance(asked["locked"], str) else []
            needs = given(self.site, self.spec, locks, self.same, blobs)
        told = {key: value for key, value in asked.items() if value}
        arguments = {
            "image": self.spec.image,
            "root": str(self.site.root),
            "places": self._places(),
            "given": needs.as_json(),
            "request": {
                "attributes": dict(attributes),
                "settings": {key: self.site.attribute(key) for key in _SETTINGS},
                "options": told,
                "have": {} if asked["force"] else _outcomes(self.directory.record()),
                "bring": not self.stays,
                "job": origin.current().job,
                "record": dict(origin.current().record),
            },
        }
        order = Order("genimage", f"{FAR}:build", arguments, inputs=needs.inputs)
        check_isolation()
        with self._work():
            done = dict(self.place.carry_out(order, blobs, self.report, self._keep))
            self._publish(there)
        return done

    def _look(self) -> Mapping[str, Any]:
        """Return what the place says of itself; BuildError when it lacks something."""
        programs = [*_PROGRAMS, *programs_of(self.spec.request)]
        with self._tokens() as tokens:
            order = Order("genimage", f"{FAR}:look", {"programs": programs, "tokens": tokens})
            there = self.place.carry_out(order, inputs_of(self.site), _Quiet(self.report), _refuse)
        if there["missing"]:
            raise BuildError(
                f"{self.on} lacks programs that build this image: {', '.join(there['missing'])}",
                hint=f"there: {install_line(there['missing'])}",
            )
        if there["apart"]:
            raise BuildError(
                f"{self.site.installdir} is not the same directory on {self.on}",
                hint="mount it there, or leave --shared out",
            )
        return there

    @contextmanager
    def _tokens(self) -> Iterator[dict[str, str]]:
        """Leave a file in each shared directory for a block, with a text that nobody can guess."""
        tokens = {str(one / f".shared-{os.getpid()}"): os.urandom(16).hex() for one in self.same}
        try:
            for path, text in tokens.items():
                write_whole(Path(path), text)
            yield tokens
        finally:
            for path in tokens:
                Path(path).unlink(missing_ok=True)

    def _places(self) -> dict[str, str]:
        """Return the directories of the site by path: what they are called there, "" for those that are shared."""
        installdir, rootimgdir = self.site.installdir, self.directory.path
        found = {str(self.site.root): "site", str(self.site.cache): "cache"}
        if self.shared or not installdir.is_relative_to(self.site.root):
            found[str(installdir)] = "" if self.shared else "install"
        if not any(rootimgdir.is_relative_to(one) for one in (self.site.root, installdir)):
            found[str(rootimgdir)] = "rootimgdir"
        return found

    def _keep(self, name: str, digest: str, size: int, stream: Readable) -> None:  # noqa: ARG002
        """Take what comes, next to its place."""
        if name not in (TREE, KERNEL, INITRD, MANIFEST, RECORD):
            raise BuildError(f"{self.on} sent {name!r}, which is no part of an image")
        if name in self._came:  # a second tree would be unpacked through the links of the first
            raise BuildError(f"{self.on} sent {name} twice")
        self._came.append(name)
        if name == TREE:
            with self.report.phase("unpack the tree"):
                unpack_tree(stream, digest, self.directory.work)
            if self.directory.new(self.directory.tree).is_symlink():
                raise BuildError(f"{self.on} sent a link as the root tree")
            return
        Blobs(self.directory.work).receive(stream, digest)
        (self.directory.work / digest).rename(self.directory.work / name)
        (self.directory.work / name).chmod(0o644)

    @contextmanager
    def _work(self) -> Iterator[None]:
        """Have an empty place for what comes, for a block."""
        if self.stays:
            yield
            return
        for left in (self.directory.work, self.directory.old):
            remove_tree(left)
        made(self.directory.work)
        try:
            yield
        finally:
            remove_tree(self.directory.work)

    def _publish(self, there: Mapping[str, Any]) -> None:
        """Put what came in place of the old, with a record that says who has asked for it, and where it was built."""
        if not self.stays and RECORD not in self._came:
            return
        file = self.directory.path / RECORD if self.stays else self.directory.work / RECORD
        record = json.loads(file.read_text())
        record[PROVENANCE] = self._provenance(record.get(PROVENANCE, {}), there)
        if self.stays:
            write_whole(file, json.dumps(record, indent=1) + "\n")
            return
        file.unlink()
        if TREE in self._came:
            self.directory.copied.unlink(missing_ok=True)  # it is about the tree before
        keep_edited(self.site, self.spec, self.directory, self.report)
        self.directory.publish(record)
        remove_tree(self.directory.old)

    def _provenance(self, said: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
        """Return who has built it: we, there, with the programs there; of the lists we know more than the place."""
        program = {"sbkernel": builder((), {})["sbkernel"]}
        return {
            **said,
            **origin.signed(),
            "host": there["host"],
            "on": self.on,
            "builder": {**said.get("builder", {}), **program},
            "lists": list_states(files_of(self.site, self.spec)),
        }


def _outcomes(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: one["digest"] for name, one in record.get("outcomes", {}).items()}


def _refuse(name: str, digest: str, size: int, stream: Readable) -> None:  # noqa: ARG001
    raise BuildError(f"{name} came unasked")


class _Quiet(NullReport):
    """Passes on the log alone."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def log(self, line: str) -> None:
        """Keep a line."""
        self._report.log(line)
