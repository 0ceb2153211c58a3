"""Mirrors, and the package sources of this host, instead of discs: read once before anything is built from them."""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families import family_of
from sbkernel.images.families.package_manager import Request
from sbkernel.jobs.report import Report
from sbkernel.lists.pkglist import Pkglist
from sbkernel.site import Site

HOST = "host"
"""The word for the package sources that this host itself uses."""


def is_mirror(source: str) -> bool:
    """Tell whether a source is an address or the host's own sources, and no disc."""
    return "://" in source or source == HOST


def readable_pkgdir(site: Site, sources: Sequence[str], osvers: str, osarch: str, report: Report) -> str:
    """Return the pkgdir of mirrors, whose indexes were read; an empty one means the sources of this host.

    Raises DefinitionError for sources that cannot be meant, BuildError for those that cannot be read or trusted.
    """
    if not all(map(is_mirror, sources)) or (HOST in sources and len(sources) > 1):
        raise DefinitionError("discs, mirrors and the host's sources are not mixed", hint="take one kind at a time")
    family = family_of(osvers)
    problems: list[BuildError] = []
    for pkgdir in family.media.pkgdirs([one for one in sources if one != HOST], osvers, osarch):
        request = Request({"osvers": osvers, "osarch": osarch, "pkgdir": pkgdir}, Pkglist())
        try:
            if not family.open(site, request).check_sources(report):
                return pkgdir
            problems.append(BuildError("the package sources cannot be reached", hint="check address and network"))
        except BuildError as error:
            problems.append(error)
    raise problems[0]
