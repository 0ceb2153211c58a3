"""Resolve the lists of an osimage without building it: the solver that genimage uses, and what it says about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sbkernel.definitions.lookup import platform
from sbkernel.errors import NotFoundError
from sbkernel.images import apt_records, dnf_solver, dnf_sources
from sbkernel.images.apt import Apt
from sbkernel.images.resolution import ListResolution, explained
from sbkernel.images.spec import read_spec
from sbkernel.jobs.report import NullReport, Report
from sbkernel.lists import otherpkglist, pkglist
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.pkglist import Pkglist
from sbkernel.lists.text import paths_of
from sbkernel.site import Site


def resolve(site: Site, image: str, report: Report | None = None) -> ListResolution:
    """Return what the lists of an osimage would install now; nothing is built, nothing but the cache is changed.

    Raises what genimage raises before it builds: NotFoundError, DefinitionError, ListFileError, BuildError. Packages
    that no source has are no error: they are named beside the others.
    """
    try:
        osvers = site.osimages[image].get("osvers")
    except NotFoundError as error:
        raise NotFoundError(f"Cannot find image '{image}' from the osimage table.", hint=error.hint) from None
    by_dnf = bool(osvers) and platform(osvers) in dnf_sources.FAMILY
    return (_by_dnf if by_dnf else _by_apt)(site, image, report or NullReport())


def _by_apt(site: Site, image: str, report: Report) -> ListResolution:
    spec = read_spec(site, image)
    private = Apt.open(site, spec.sources, spec.release.architecture)
    with report.phase("resolve packages"):
        resolution, near = private.resolve_known(spec.packages, report)
        found = apt_records.candidates(resolution.packages, private.records(resolution.packages))
    asked = (name.partition("=")[0].partition(":")[0] for name in spec.packages)
    unknown = unknown_packages([pkglist.read(paths_of(spec.attributes["pkglist"]))], near, image)
    return ListResolution(image, explained(found, asked), unknown, resolution.offline)


def _by_dnf(site: Site, image: str, report: Report) -> ListResolution:
    attributes = site.osimages[image].attributes
    asked = pkglist.load(paths_of(attributes.get("pkglist", "")))
    others = otherpkglist.load(paths_of(attributes.get("otherpkglist", "")))
    with report.phase("resolve packages"):
        question = dnf_sources.question(attributes, asked.packages, others.packages)
        answer = dnf_solver.solve(site, question, report)
    names = [*question.names, *answer.asked]
    return ListResolution(
        image, explained(answer.candidates, names), unknown_packages([asked, others], answer.unknown, image)
    )


def unknown_packages(parsed: Iterable[Pkglist], near: Mapping[str, list[str]], image: str) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each package that no source has, at the place that asks for it."""
    places = {_bare(entry.name): entry for one in parsed for entry in one.entries if entry.kind == "install"}
    found = []
    for name, like in near.items():
        said = f"no source has a package {shown(name)}"
        remedy = f"did you mean {' or '.join(like)}?" if like else "is the right repository among the sources?"
        entry = places.get(_bare(name))
        found.append(entry.note("error", said, remedy) if entry else Diagnostic(image, 1, 1, "error", said, remedy))
    return tuple(found)


def _bare(name: str) -> str:
    return name.rpartition("/")[2].partition("=")[0].partition(":")[0]
