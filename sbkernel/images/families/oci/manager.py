"""A package manager over a container image: the container is resolved and unpacked, its family adds the packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.files import made
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.oci.base import VERSION, Bases
from sbkernel.images.families.oci.bootable import check_bootable
from sbkernel.images.families.oci.reference import parse
from sbkernel.images.families.package_manager import (
    Boots,
    Family,
    KnownBefore,
    PackageManager,
    PackagePass,
    Request,
    Survey,
)
from sbkernel.images.families.passes import asked_for
from sbkernel.images.families.places import split
from sbkernel.images.families.resolved import Base, Change, Container, Resolution, Resolved
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.over import Linking
from sbkernel.jobs.report import Report
from sbkernel.site import Site

WHY_CLEAN = "it stands on a container"


def over_container(site: Site, request: Request, family: Family) -> PackageManager:
    """Open the container that pkgdir begins with, and the other entries as package sources of the family."""
    first, *others = split(request.attributes["pkgdir"])
    reference = parse(first)
    if removed := asked_for(request, as_in_xcat=False).removed:
        raise BuildError(
            f"{removed[0]} cannot be removed at the end of an image that stands on a container",
            hint="let a postinstall script remove it (sb shell IMAGE makes one), or take it out of the otherpkglist",
        )
    attributes = {**request.attributes, "pkgdir": ",".join(others)}
    inner = family.open(site, replace(request, attributes=attributes, over=True))
    bases = Bases(Layers(made(site.cache / "layers")), reference, request.osvers, request.osarch)
    return ContainerManager(bases, inner, family.boots(request.osvers, request.osarch), bool(request.kerneldir))


@dataclass(frozen=True)
class ContainerManager:
    """A container, and the package manager that adds to it."""

    bases: Bases
    inner: PackageManager
    boots: Boots
    own_kernel: bool = False

    @property
    def about(self) -> str:
        """Return what the package manager is for, and the container."""
        return f"{self.inner.about} on {self.bases.reference}"

    @property
    def asked(self) -> Sequence[str]:
        """Return the packages that the lists ask for."""
        return self.inner.asked

    @property
    def passes(self) -> Sequence[PackagePass]:
        """Return the passes of the lists."""
        return self.inner.passes

    @property
    def downloads(self) -> Downloads:
        """Return the cache of packages."""
        return self.inner.downloads

    @property
    def reads(self) -> Sequence[Path]:
        """Return the container where it is a directory or a file, and what the package manager reads."""
        reference = self.bases.reference
        return [*self.inner.reads, *([] if reference.remote else [Path(reference.place)])]

    def check_sources(self, report: Report) -> bool:
        """Read the indexes anew, and ask for the container."""
        offline = self.bases.resolve(report)[1]
        return self.inner.check_sources(report) or offline

    def resolve(self, report: Report) -> Resolution:
        """Return which container it is now, and exactly what the lists bring on top of it.

        A container that is not in the cache yet is unpacked, since its package database decides. A directory or an
        archive that is gone is an error; for a registry that does not answer, what it said the last time will do.
        """
        with ExitStack() as stack:
            (container, offline), base = self._base(stack, report)
            found = self.inner.over(base).resolve(report)
            found = replace(found, container=container, offline=found.offline or offline)
            check_bootable(container, base.tree, found, self.boots, own_kernel=self.own_kernel)
            return found

    def _base(self, stack: ExitStack, report: Report) -> tuple[tuple[Container, bool], Base]:
        found = self.bases.resolve(report)
        return found, stack.enter_context(self.bases.held(found[0], report))

    def resolve_security(self, installed: Mapping[str, str], report: Report) -> Resolution:  # noqa: ARG002
        """Refuse: the packages of a container change with the container."""
        raise BuildError(
            "an image that stands on a container has most of its packages from there, security updates too",
            hint="update without --security-only: it takes the container as it is now",
        )

    def survey(self, report: Report) -> Survey:
        """Say what the lists bring on top of the container."""
        with ExitStack() as stack:
            (_, offline), base = self._base(stack, report)
            found = self.inner.over(base).survey(report)
            return found._replace(offline=found.offline or offline)

    def known_before(self, report: Report) -> KnownBefore | None:
        """Say what the indexes say of the names."""
        return self.inner.known_before(report)

    def inputs(self, resolution: Resolution) -> Mapping[str, Any]:
        """Return what the packages depend on, and which container it is; not where that is."""
        container = _container(resolution)
        over = self.inner.over(Base(Path(), container.digest))
        return {"container": [VERSION, container.digest], "over": over.inputs(resolution)}

    def fetch(self, resolution: Resolution, report: Report) -> None:
        """Bring the packages, and the container, into the cache."""
        with self.bases.held(_container(resolution), report):
            self.inner.fetch(resolution, report)

    def write_mirror(self, directory: Path, files: Mapping[str, Resolved]) -> None:
        """Make a directory a repository of the packages; the container is not among them."""
        self.inner.write_mirror(directory, files)

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        """Make a tree of the container and exactly these packages."""
        with self.bases.held(_container(resolution), report) as base:
            return self.inner.over(base).install(resolution, tree, report)

    def shared(self, resolution: Resolution) -> None:
        """Return nothing: a tree is made of its container each time, which costs no copy and only its own packages."""

    def why_clean(self, change: Change, resolution: Resolution, base: Path) -> str:  # noqa: ARG002
        """Say that no other tree is changed."""
        return WHY_CLEAN

    def change(
        self,
        change: Change,
        resolution: Resolution,
        base: Path,
        tree: Path,  # noqa: ARG002
        report: Report,  # noqa: ARG002
        linking: Linking | None = None,  # noqa: ARG002
    ) -> Mapping[str, Any]:
        """Refuse."""
        raise BuildError(self.why_clean(change, resolution, base))

    def over(self, base: Base) -> PackageManager:
        """Return the package manager of the family, over another tree."""
        return self.inner.over(base)

    def laid(self) -> Mapping[str, bytes]:
        """Return the sources that nodes can use."""
        return self.inner.laid()

    def laid_if_missing(self) -> Mapping[str, bytes]:
        """Return more of them."""
        return self.inner.laid_if_missing()

    def configure_script(self) -> bytes:
        """Return the script of the family."""
        return self.inner.configure_script()


def _container(resolution: Resolution) -> Container:
    if resolution.container is None:
        raise BuildError("nothing says which container it was", hint="a lock of another time? sb lock --update IMAGE")
    return resolution.container
