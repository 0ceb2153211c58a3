"""Packages that deserve a look before a node gets them: kernel, glibc, openssl, drivers, slurm, MPI, or a site's own.

A site's own groups are in a YAML file with one entry a group: its name and the patterns of its packages, such as
`lustre: [lustre-client*, "src:lustre*"]`; src: looks at the source package. A group of the same name replaces
ours, one without patterns turns it off. The site attribute `attention` names the file.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from sbkernel.definitions.importing.yamltext import Yaml
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.packages.diff.change import PackageChange
from sbkernel.packages.package import Package
from sbkernel.site import Site

SETTING = "attention"
GROUPS: Mapping[str, tuple[str, ...]] = {
    "kernel": (
        "linux-image-*", "linux-modules-*", "kernel", "kernel-core", "kernel-modules*", "kernel-default*",
        "kernel-rt*", "kernel-64k*",
    ),
    "glibc": ("libc6", "glibc"),
    "openssl": ("openssl", "openssl-libs", "libssl[0-9]*", "libopenssl[0-9]*"),
    "drivers": (
        "*-dkms", "kmod-*", "nvidia-*", "libnvidia-*", "cuda-drivers*", "amdgpu*", "mlnx-*", "doca-*", "rdma-core*",
        "libibverbs*", "linux-firmware*", "firmware-*", "lustre-client*", "gpfs.*",
    ),
    "slurm": ("slurm*", "libslurm*", "munge", "munge-libs", "libmunge2"),
    "MPI": (
        "openmpi*", "libopenmpi*", "mpich*", "libmpich*", "mvapich*", "intel-oneapi-mpi*", "libfabric*", "libpmix*",
        "pmix*", "ucx*", "libucx*",
    ),
}  # fmt: skip


class Attention:
    """Groups of packages by name, in order; a package belongs to the first that has a pattern for it."""

    def __init__(self, groups: Mapping[str, Iterable[str]] = GROUPS) -> None:
        self.groups = {name: tuple(patterns) for name, patterns in groups.items()}

    @cached_property
    def _by_name(self) -> re.Pattern[str]:
        return _one_of(self.groups, source=False)

    @cached_property
    def _by_source(self) -> re.Pattern[str]:
        return _one_of(self.groups, source=True)

    def of(self, package: Package | None) -> str:
        """Return the group of a package, or ""."""
        if package is None:
            return ""
        match = self._by_name.fullmatch(package.name) or self._by_source.fullmatch(package.source)
        return list(self.groups)[int((match.lastgroup or "g0")[1:])] if match else ""

    def of_any(self, packages: Iterable[Package]) -> str:
        """Return the group of the first of some packages that has one, or ""."""
        return next(filter(None, map(self.of, packages)), "")

    def flagged(self, change: PackageChange) -> PackageChange:
        """Return a row with its group: that of the new package, else of the old."""
        return change._replace(attention=self.of(change.new) or self.of(change.old))


DEFAULT = Attention()


def _one_of(groups: Mapping[str, tuple[str, ...]], *, source: bool) -> re.Pattern[str]:
    """Return one expression for all groups; what matched is called g and the number of the group."""
    parts = []
    for number, patterns in enumerate(groups.values()):
        chosen = [one.removeprefix("src:") for one in patterns if one.startswith("src:") == source]
        if chosen:
            parts.append(f"(?P<g{number}>{'|'.join(map(fnmatch.translate, chosen))})")
    return re.compile("|".join(parts) or r"(?!)")


def of_site(site: Site) -> Attention:
    """Return the groups of a site. NotFoundError or ListFileError when the file it names is not there or wrong."""
    file = site.attribute(SETTING)
    return load(Path(file)) if file else DEFAULT


def load(file: Path) -> Attention:
    """Return the groups of a file, on top of ours. NotFoundError, ListFileError."""
    try:
        text = file.read_text(errors="replace")
    except OSError as error:
        hint = f"a YAML file of groups and patterns; sb chdef -t site {SETTING}= goes back to ours"
        raise NotFoundError(f"cannot read the attention groups {file}: {error.strerror}", hint=hint) from None
    return parse(text, str(file))


def parse(text: str, file: str = "attention.yaml") -> Attention:
    """Return the groups of a text, on top of ours. ListFileError with the line of what is wrong."""
    yaml = Yaml(text, file)
    own = {name: yaml.texts(pair.value, name) for name, pair in yaml.mapping(yaml.root, "the file").items()}
    for note in yaml.notes:
        raise ListFileError(file, note.where.line, note.text, hint="GROUP: [PATTERN, ...]")
    return Attention({name: patterns for name, patterns in {**GROUPS, **own}.items() if patterns})
