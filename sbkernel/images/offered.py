"""The osimage definitions of a distribution, by xCAT's names: those for which there are lists, and that build here."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sbkernel.definitions.clone import LISTS, sharing_rootimgdir
from sbkernel.definitions.newsite import netboot_osimage
from sbkernel.definitions.store.interface import Values
from sbkernel.errors import SbkernelError
from sbkernel.images.families import family_of
from sbkernel.images.families.package_manager import Request
from sbkernel.lists import lookup
from sbkernel.lists.pkglist import Pkglist
from sbkernel.site import Site

PROFILES = ("compute", "service")


class Offered(NamedTuple):
    """Names of osimages that were made, of those that were there already, and remarks on what was not made."""

    made: list[str]
    kept: list[str]
    remarks: list[str]


def define(site: Site, osvers: str, osarch: str, pkgdir: str) -> Offered:
    """Make the osimages of a distribution; one that exists stays as it is, whoever made it."""
    if problem := _obstacle(site, osvers, osarch, pkgdir):
        return Offered([], [], [f"no osimage was defined: {problem}"])
    offered = Offered([], [], [])
    wanted = {}
    for profile in PROFILES:
        values = _values(site, osvers, osarch, profile, pkgdir)
        name = f"{osvers}-{osarch}-netboot-{profile}"
        if "pkglist" not in values:
            offered.remarks.append(f"{name} was not defined: there is no {profile} pkglist for {osvers} {osarch}")
        elif others := sharing_rootimgdir(site.store.objects("osimage"), values["rootimgdir"], name):
            offered.remarks.append(f"{name} was not defined: {others[0]} is built in its rootimgdir")
        else:
            wanted[name] = values
    there = site.store.existing("osimage", list(wanted))
    offered.kept.extend(sorted(there))
    offered.remarks.extend(_elsewhere(site, offered.kept, pkgdir))
    offered.made.extend(name for name in wanted if name not in there)
    if offered.made:
        site.change("osimage", {name: _unless_there(wanted[name]) for name in offered.made}, "copycds")
    return offered


def _elsewhere(site: Site, kept: Iterable[str], pkgdir: str) -> Iterator[str]:
    """Yield of each osimage that stays as it is that it builds from something else."""
    for name, image in site.osimages.many(kept).items():
        now = image.get("pkgdir")
        if not set(pkgdir.split(",")) <= set(now.split(",")):
            change = f"sb chdef -t osimage {name} {shlex.quote(f'pkgdir={pkgdir}')}"
            yield f"{name} builds from {now or 'its default sources'}; to change that: {change}"


def _unless_there(values: Values) -> Callable[[Values], Values]:
    """Return a change that leaves alone what somebody else has made meanwhile."""
    return lambda before: {} if before else values


def _obstacle(site: Site, osvers: str, osarch: str, pkgdir: str) -> str:
    """Return why this cannot be built here, or an empty string."""
    attributes = {"osvers": osvers, "osarch": osarch, "pkgdir": pkgdir}
    try:
        family_of(osvers).open(site, Request(attributes, Pkglist()))
    except SbkernelError as error:
        return error.message
    return ""


def _values(site: Site, osvers: str, osarch: str, profile: str, pkgdir: str) -> Values:
    directories = lookup.directories(site, osvers)
    lists = {
        attribute: lookup.find(directories, profile, osvers, osarch, extension)
        for attribute, extension in LISTS.items()
    }
    values = {
        **netboot_osimage(osvers, osarch, profile, site.installdir),
        "addkcmdline": "quiet",
        "pkgdir": pkgdir,
        **{attribute: str(path) for attribute, path in lists.items() if path is not None},
    }
    return {key: value for key, value in values.items() if value}
