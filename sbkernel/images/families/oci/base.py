"""The tree of a container image, in the cache under its digest: unpacked once, and never changed.

It is a layer like those of packages: pruned, held and made in turn with them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.architectures import architecture, of_container
from sbkernel.errors import BuildError
from sbkernel.files import made, write_if_changed
from sbkernel.images.capture.osvers import is_same, osvers_of
from sbkernel.images.families.oci.reference import Reference
from sbkernel.images.families.oci.skopeo import GoneElsewhereError, UnreachableError, describe, unpack
from sbkernel.images.families.resolved import Base, Container
from sbkernel.images.layers.layers import Layers
from sbkernel.images.plan import digest_of
from sbkernel.images.tree.namespaces import stamp
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages import release

# Raise it when a change here changes what comes out, so that cached trees are not taken for the new kind.
VERSION = 1
_MOUNTS = ("proc", "sys", "dev", "run", "tmp")


@dataclass(frozen=True)
class Bases:
    """Containers as trees; `osvers` and `osarch` say what they must be."""

    layers: Layers
    reference: Reference
    osvers: str
    osarch: str

    def resolve(self, report: Report) -> tuple[Container, bool]:
        """Return what the reference means now, and whether that of the last time has to do, as no registry answers.

        BuildError when it is for another architecture, when it cannot be read, and when there is none of the last time.
        """
        if self.reference.digest and self.name(self.reference.digest) in self.layers:
            return Container(str(self.reference), self.reference.digest), False
        try:
            return self._described(), False
        except UnreachableError:
            if (last := self._last()) is None:
                raise
            report.log(f"the registry of {self.reference} cannot be reached; using the container of the last time")
            return last, True

    @property
    def _noted(self) -> Path:
        """Return the file that says what the reference meant the last time."""
        return self.layers.root.with_name("containers") / digest_of([str(self.reference), self.osarch])

    def _last(self) -> Container | None:
        with suppress(FileNotFoundError):
            return Container(str(self.reference), self._noted.read_text())
        return None

    def _described(self) -> Container:
        found = describe(self.reference, self.osarch)
        if found.architecture not in ("", architecture(self.osarch).container):
            there = of_container(found.architecture).osarch
            raise BuildError(f"{self.reference} is for {there}, not for {self.osarch}", hint="correct pkgdir or osarch")
        if self.reference.remote:
            write_if_changed(made(self._noted.parent) / self._noted.name, found.digest)
        return Container(str(self.reference), found.digest)

    def name(self, digest: str) -> str:
        """Return what tells the tree of a container from all others."""
        return digest_of(["container", VERSION, digest, self.osarch])

    @contextmanager
    def held(self, container: Container, report: Report) -> Iterator[Base]:
        """Yield the tree of a container for a block, unpacked if that has not been done.

        BuildError when nobody has exactly that one any more, and when it is another distribution than osvers says.
        """
        name = self.name(container.digest)
        descriptor = self.layers.make(name, lambda tree: self._unpacked(container, tree, report))
        try:
            self.layers.complete(name)
            tree = self.layers.tree(name)
            check_release(container, tree, self.osvers)
            yield Base(tree, container.digest, int(self.layers.facts(name)["epoch"]))
        finally:
            os.close(descriptor)

    def _unpacked(self, container: Container, tree: Path, report: Report) -> dict[str, Any]:
        try:
            epoch = unpack(self.reference, container.digest, self.osarch, tree, report)
        except GoneElsewhereError as error:
            raise BuildError(
                f"the container image that was resolved is gone: {error.message}",
                hint="run it again to resolve anew; with a lock, sb lock --update IMAGE",
            ) from error
        run(["sh", "-c", 'cd "$1" && shift && mkdir -p -- "$@"', "sh", tree, *_MOUNTS], isolated=True)
        # What no layer has dated has the time of now.
        stamp(tree, epoch)
        return {"epoch": epoch, "container": {"reference": container.reference, "digest": container.digest}}


def check_release(container: Container, tree: Path, osvers: str) -> None:
    """Raise BuildError unless the tree of a container is the distribution, and the version, that osvers says."""
    found = release.of_tree(tree)
    if found == release.UNKNOWN:
        hint = "a container of a whole distribution has one; a base without it cannot be added to"
        raise BuildError(f"{container.reference} has no os-release: it is no distribution", hint=hint)
    says = osvers_of(found, container.reference)
    if not is_same(osvers, says):
        raise BuildError(
            f"{container.reference} is {found.name or says}, but osvers is {osvers}",
            hint=f"osvers={says} is what it is; or name another container in pkgdir",
        )
