"""What is wrong or odd in a package list of an rpm distribution: what dnf has and zypper has not, and vice versa."""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.definitions.listpaths import platform
from sbkernel.errors import BuildError
from sbkernel.images.families import removals
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.rpm.releases import release_of
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.entries import ListEntry

PATTERN = "pattern:"


def remarks(request: Request) -> Iterator[Diagnostic]:
    """Yield groups, patterns and modules that the release does not have, and what is odd about removals."""
    zypper = platform(request.osvers) == "sles"
    for entry in (*request.pkglist.entries, *request.otherpkglist.entries):
        if entry.kind == "install":
            yield from _look_for_zypper(entry) if zypper else _look_for_dnf(entry, modules=_has_modules(request))
    yield from removals.remarks(request, as_in_xcat=False)


def _look_for_dnf(entry: ListEntry, *, modules: bool) -> Iterator[Diagnostic]:
    name = shown(entry.name)
    if entry.name.startswith(PATTERN):
        remedy = f"Write @{name.removeprefix(PATTERN)}, if there is a group of that name."
        yield entry.note("error", f"'{name}': dnf knows no patterns", remedy)
    elif entry.name.startswith("@") and ":" in entry.name and not modules:
        what = f"'{name}' is the stream of a module, and this release has no modules"
        yield entry.note("error", what, "Name the packages.")
    else:
        yield from _look_blank(entry)


def _look_for_zypper(entry: ListEntry) -> Iterator[Diagnostic]:
    name = shown(entry.name)
    if entry.name.startswith("@^"):
        yield entry.note("error", f"'{name}': zypper knows no environments", "Write @PATTERN; patterns are groups.")
    elif entry.name.startswith("@") and ":" in entry.name:
        yield entry.note("error", f"'{name}': zypper knows no modules", "Name the packages.")
    else:
        yield from _look_blank(entry)


def _look_blank(entry: ListEntry) -> Iterator[Diagnostic]:
    """Yield the blank that kickstart files may have behind the @; xCAT takes it for a part of the name."""
    if entry.name.startswith(("@ ", "@^ ")):
        bare = shown(entry.name.lstrip("@^ "))
        what = f"'{shown(entry.name)}': only kickstart files have a blank there, xCAT looks for a group ' {bare}'"
        yield entry.note("warning", what, f"Write @{bare}")


def _has_modules(request: Request) -> bool:
    try:
        return bool(release_of(request.osvers, request.osarch).platform)
    except BuildError:
        return True
