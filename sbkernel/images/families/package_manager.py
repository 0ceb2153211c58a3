"""The seam to package managers: what is asked of one, what it answers, and the protocols that every family follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sbkernel.errors import BuildError
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.resolved import Base, Change, Resolution, Resolved
from sbkernel.images.layers.over import Linking
from sbkernel.images.media.medium import Disc, Medium
from sbkernel.jobs.report import Report
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.pkglist import Pkglist
from sbkernel.packages.package import Package
from sbkernel.site import Site


@dataclass(frozen=True)
class PackagePass:
    """Packages installed in one run of the package manager, and its environment."""

    packages: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """What an osimage asks of its package manager: the distribution, the lists, and where packages come from.

    `attributes` are the osimage's, `pkglist` and `otherpkglist` its lists as they were read.
    """

    attributes: Mapping[str, str]
    pkglist: Pkglist
    otherpkglist: Pkglist = field(default_factory=Pkglist)
    over: bool = False
    """Whether the packages come on top of a tree that is there, so that there may be none."""

    @property
    def osvers(self) -> str:
        """Return the distribution and its version, such as debian12."""
        return self.attributes.get("osvers", "")

    @property
    def osarch(self) -> str:
        """Return the architecture, such as x86_64."""
        return self.attributes.get("osarch", "")

    @property
    def kernelver(self) -> str:
        """Return the kernel version asked for, or an empty string for the newest."""
        return self.attributes.get("kernelver", "")

    @property
    def kerneldir(self) -> str:
        """Return the directory of the site's own kernel packages, or an empty string."""
        return self.attributes.get("kerneldir", "")


def no_source_has(name: str) -> str:
    """Return what is said of a package or @group of a list that no source has."""
    return (
        f"no source has a group {shown(name[1:])}" if name.startswith("@") else f"no source has a package {shown(name)}"
    )


class UnknownPackagesError(BuildError):
    """Packages that no source has; `near` maps each to names like it."""

    def __init__(self, near: dict[str, list[str]]) -> None:
        super().__init__(f"no source has {', '.join(near)}")
        self.near = near


class Candidate(NamedTuple):
    """A package that the solver chose: what it weighs as a file in bytes, and the names of those that it needs."""

    package: Package
    download_bytes: int
    needs: tuple[str, ...] = ()
    base: bool = False
    """Whether it belongs to every system."""


class Survey(NamedTuple):
    """What lists would bring: packages, the names that were asked for, and unknown names with names like them."""

    candidates: Sequence[Candidate]
    asked: Sequence[str]
    unknown: Mapping[str, list[str]]
    offline: bool = False


class KnownBefore(NamedTuple):
    """What indexes that were read before say of names: those they do not have, each with names like it.

    `files` are the paths in the packages of the others, absolute, by name; empty where file lists are not at hand.
    """

    unknown: Mapping[str, list[str]]
    files: Mapping[str, Sequence[str]]


class PackageManager(Protocol):
    """A package manager for the sources and lists of one image; opening it has checked both and changed nothing."""

    @property
    def about(self) -> str:
        """Return in a few words for what and from where it installs, such as release, architecture, 2 sources."""

    @property
    def asked(self) -> Sequence[str]:
        """Return the packages that the lists ask for, each once, in order."""

    @property
    def passes(self) -> Sequence[PackagePass]:
        """Return the passes of the lists, in the order in which they are installed."""

    @property
    def reads(self) -> Sequence[Path]:
        """Return the files and directories of this host that say what its sources are, and whom to trust.

        Beside what the attributes of the image name. Some may be missing, which is an answer, too.
        """

    def check_sources(self, report: Report) -> bool:
        """Read the indexes of the sources anew; tell whether that failed and those from the last time are used.

        Raises BuildError when they cannot be trusted, and when there are none from before.
        """

    def resolve(self, report: Report) -> Resolution:
        """Return exactly the packages that installing the lists into an empty tree means now.

        Raises BuildError as check_sources does and when they exclude each other, UnknownPackagesError.
        """

    def resolve_security(self, installed: Mapping[str, str], report: Report) -> Resolution:
        """Resolve, but change nothing that is `installed` (versions by name) unless a source has it newer for security.

        That is told by security archives, or by advisories. Raises BuildError also where a version is no longer to be
        had, and when no source tells; the Resolution names the others that do not.
        """

    def survey(self, report: Report) -> Survey:
        """Resolve like `resolve` what the sources have, and say of each package what it weighs and needs."""

    def known_before(self, report: Report) -> KnownBefore | None:
        """Say of the names that the lists ask for what the indexes say that were read last, without the network.

        None when there are none. Raises BuildError when they cannot be read.
        """

    def inputs(self, resolution: Resolution) -> Any:
        """Return all that `install` depends on, as JSON-able data; its digest names the layer."""

    def fetch(self, resolution: Resolution, report: Report) -> None:
        """Bring the packages into the cache that all images share, each checked against its sha256.

        Raises GoneError when a source no longer has exactly that content.
        """

    @property
    def downloads(self) -> Downloads:
        """Return the cache that the packages are fetched into."""

    def write_mirror(self, directory: Path, files: Mapping[str, Resolved]) -> None:
        """Make a directory a repository of exactly these packages, whose files lie there at these paths."""

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        """Install exactly the fetched packages into a tree that does not exist yet, in a private namespace.

        What the resolution says is removed goes again at the end, by the package manager in the tree.

        Returns facts to record, `epoch` among them: when the newest package was made, in seconds since the epoch.
        Raises BuildError when the tree would hold anything else.
        """

    def shared(self, resolution: Resolution) -> Any:
        """Return what a tree must have been made with to be changed into the wanted one; None: none may be."""

    def why_clean(self, change: Change, resolution: Resolution, base: Path) -> str:
        """Say why a change of the tree `base` would not give what `install` gives; an empty text if it would.

        Raises NotFetchedError when a package that comes is not in the cache.
        """

    def change(
        self,
        change: Change,
        resolution: Resolution,
        base: Path,
        tree: Path,
        report: Report,
        linking: Linking | None = None,
    ) -> Mapping[str, Any]:
        """Make `tree` of a base by a change that nothing stands against; return the same facts as `install`.

        The base stays as it is; somebody may be `linking` it already (layers/over.py). Raises BuildError when the tree
        would hold anything else.
        """

    def over(self, base: Base) -> PackageManager:
        """Return the same for a tree that is there: it resolves what comes on top, and `install` begins with a copy.

        What the lists say is removed at the end cannot be asked of it; it changes no tree that it has made before.
        """

    def laid(self) -> Mapping[str, bytes]:
        """Return the files that let a node use the sources itself, by path in the tree."""

    def laid_if_missing(self) -> Mapping[str, bytes]:
        """Return more of them, of which each is laid only where a package has not brought it."""

    def configure_script(self) -> bytes:
        """Return a script for sh to run inside a tree: it removes what only a build by this package manager needed."""


class Boots(NamedTuple):
    """The packages that a distribution boots with, as one adds them to a pkglist: a kernel, an init system."""

    kernel: str
    init: str


class Media(Protocol):
    """How a family knows its discs and mirrors."""

    @property
    def signs(self) -> Sequence[str]:
        """Return the files by which it knows a disc."""

    @property
    def indexes(self) -> Sequence[str]:
        """Return the names of directories that say which packages there are; they are copied after the packages."""

    def disc(self, medium: Medium) -> Disc | None:
        """Return what a disc is, or None for one of another family."""

    def check(self, medium: Medium, disc: Disc) -> Sequence[str]:
        """Return remarks for whoever copies a disc, such as who vouches for it.

        Raises BuildError when it has no packages for the architecture, or is damaged.
        """

    def pkgdirs(self, sources: Sequence[str], osvers: str, osarch: str) -> Sequence[str]:
        """Return what pkgdir could be for mirrors, likeliest first, or with none for the host's own sources.

        Raises DefinitionError when the host cannot have any, BuildError for a release that cannot be built.
        """


class Family(Protocol):
    """What there is to know about a kind of packages before sources are opened."""

    name: str
    """The package format, as sbkernel.packages.readers names it: how a tree of this family is read."""
    programs: tuple[str, ...]
    """The programs of this host that choose and install packages: an image names their versions."""
    databases: tuple[str, ...]
    """Where in a tree its programs write down what is installed."""
    state: str
    """The directory of the cache in which they keep what they know of their sources."""

    @property
    def media(self) -> Media:
        """Return how its discs and mirrors are known."""

    def boots(self, osvers: str, osarch: str) -> Boots:
        """Return what to add to a container of a release that cannot be booted."""

    def open(self, site: Site, request: Request) -> PackageManager:
        """Open the sources of an image.

        Raises BuildError for a release or architecture that cannot be built, DefinitionError and ListFileError for a
        source or a name that is wrong.
        """

    def merged(self, osvers: str) -> bool:
        """Tell whether /bin, /sbin and /lib of a tree of this release are links to those below /usr."""

    def remarks(self, request: Request) -> Iterable[Diagnostic]:
        """Yield what is wrong or odd in the package lists for this kind of packages; their text alone is looked at."""
