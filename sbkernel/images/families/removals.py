"""What is odd about the lines of package lists that remove something; the same for every family. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.passes import asked_for, matches
from sbkernel.lists import otherpkglist
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.entries import ListEntry


def remarks(request: Request, *, as_in_xcat: bool) -> Iterator[Diagnostic]:
    """Yield what is asked for and does not stay, and what the pkglist removes, which has no effect `as_in_xcat`."""
    entries = (*request.pkglist.entries, *request.otherpkglist.entries)
    removals = [entry for entry in entries if entry.kind.endswith("_remove") and entry.name]
    lists = asked_for(request, as_in_xcat=as_in_xcat)
    stays = set(lists.names)
    for entry in (one for one in entries if one.kind == "install" and one.name):
        name = otherpkglist.placed(entry.name).name
        if removals and (not stays.intersection((name, entry.name)) or matches(name, lists.removed)):
            yield from _look(entry, name, removals)
    for entry in request.pkglist.entries:
        if entry.kind.endswith("_remove") and entry.name:
            yield _in_pkglist(entry, as_in_xcat=as_in_xcat)


def _in_pkglist(entry: ListEntry, *, as_in_xcat: bool) -> Diagnostic:
    if as_in_xcat:
        what = f"{shown(entry.text)} removes nothing: xCAT never removes packages from a stateless image"
        return entry.note("warning", what, "Remove the line, or remove the files with the exlist.")
    what = f"{shown(entry.text)} keeps {shown(entry.name)} out of the image; xCAT's genimage ignores the line"
    return entry.note("info", what, "Nothing has to be done here.")


def _look(entry: ListEntry, name: str, removals: list[ListEntry]) -> Iterator[Diagnostic]:
    by = next((one for one in removals if matches(name, [otherpkglist.placed(one.name).name])), None)
    if by is not None:
        yield entry.note("warning", f"{shown(name)} stays out: {by.where} removes it", "Remove one of the two lines.")
