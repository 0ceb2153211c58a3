"""Resolve the lists of an osimage without building it: the solver that genimage uses, and what it says about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sbkernel.images.families import open_manager
from sbkernel.images.families.package_manager import Request, no_source_has
from sbkernel.images.resolution import ListResolution, explained
from sbkernel.images.spec import attributes_of
from sbkernel.jobs.report import NullReport, Report
from sbkernel.lists import otherpkglist, pkglist
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.lists.pkglist import Pkglist
from sbkernel.lists.text import paths_of
from sbkernel.site import Site


def resolve(site: Site, image: str, report: Report | None = None) -> ListResolution:
    """Return what the lists of an osimage would install now; nothing is built, nothing but the cache is changed.

    Raises what genimage raises before it builds: NotFoundError, DefinitionError, ListFileError, BuildError. Packages
    that no source has are no error: they are named beside the others.
    """
    report = report or NullReport()
    attributes = attributes_of(site, image)
    request = Request(
        attributes,
        pkglist.load(paths_of(attributes.get("pkglist", ""))),
        otherpkglist.load(paths_of(attributes.get("otherpkglist", ""))),
    )
    manager = open_manager(site, request)
    with report.phase("resolve packages"):
        found = manager.survey(report)
    unknown = unknown_packages([request.pkglist, request.otherpkglist], found.unknown, image)
    return ListResolution(image, explained(found.candidates, found.asked), unknown, found.offline)


def unknown_packages(parsed: Iterable[Pkglist], near: Mapping[str, list[str]], image: str) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each package that no source has, at the place that asks for it."""
    places = {_bare(entry.name): entry for one in parsed for entry in one.entries if entry.kind == "install"}
    found = []
    for name, like in near.items():
        said = no_source_has(name)
        remedy = f"did you mean {' or '.join(like)}?" if like else "is the right repository among the sources?"
        entry = places.get(_bare(name))
        found.append(entry.note("error", said, remedy) if entry else Diagnostic(image, 1, 1, "error", said, remedy))
    return tuple(found)


def _bare(name: str) -> str:
    return name.rpartition("/")[2].partition("=")[0].partition(":")[0]
