"""What a new object begins with: a template that we ship, another object, or defaults for an osimage (-u)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sbkernel.definitions import stanza
from sbkernel.definitions.listpaths import candidates, platform
from sbkernel.definitions.store.interface import Values
from sbkernel.errors import DefinitionError

_MUST, _MAY = "MANDATORY:", "OPTIONAL:"
_METHODS = ("install", "netboot", "statelite")
_LISTS = {"pkglist": "pkglist", "otherpkglist": "otherpkgs.pkglist", "synclists": "synclist"}
_OF_IMAGES = {"exlist": "exlist", "postinstall": "postinstall"}


def read(shipped: Path) -> dict[str, Values]:
    """Return the node templates, by name, from the directory of templates."""
    files = sorted((shipped / "nodes").glob("*.stanza"))
    found = (one for file in files for one in stanza.parse(file.read_text(), str(file)))
    return {one.name: one.values for one in found}


def instance(template: Mapping[str, str], given: Mapping[str, str]) -> Values:
    """Return a node's attributes: the given ones, and those of the template for which nothing, "" or 0 is given.

    Raises DefinitionError if a mandatory one is not given.
    """
    values = dict(given)
    for key, value in sorted(template.items()):
        if given.get(key) not in (None, "", "0"):
            continue
        if value.startswith(_MUST):
            raise DefinitionError(f'The attribute "{key}" must be specified!', hint=value.removeprefix(_MUST))
        if not value.startswith(_MAY):
            values[key] = value
    return {key: value for key, value in values.items() if value}


def copy(source: Mapping[str, str], given: Mapping[str, str]) -> Values:
    """Return the attributes of a new object: the given ones, and those of an existing object for the rest."""
    return {**{key: value for key, value in source.items() if given.get(key) in (None, "", "0")}, **_set(given)}


def _set(given: Mapping[str, str]) -> Values:
    return {key: value for key, value in given.items() if value not in ("", "0")}


def filler(installdir: Path, shared: Path) -> Callable[[Mapping[str, str]], Values]:
    """Return a function that adds defaults. The site's own lists come before the ones that we ship.

    It raises DefinitionError if profile or provmethod is missing or wrong.
    """
    return lambda given: fill(given, installdir, shared)


def fill(given: Mapping[str, str], installdir: Path, shared: Path) -> Values:
    """Return the attributes of an osimage and the defaults that follow from them."""
    named = _named(given)
    osvers, osarch, profile = named["osvers"], named["osarch"], named["profile"]
    method = "install" if named["provmethod"] == "install" else "netboot"
    places = [root / method / platform(osvers) for root in (installdir / "custom", shared)]
    wanted = _LISTS if method == "install" else {**_LISTS, **_OF_IMAGES}
    lists = {key: _first(places, candidates(profile, osvers, osarch, ext)) for key, ext in wanted.items()}
    paths = {
        "otherpkgdir": str(installdir / "post" / "otherpkgs" / osvers / osarch),
        "pkgdir": str(installdir / osvers / osarch),
    }
    if method == "netboot":
        paths["rootimgdir"] = str(installdir / "netboot" / osvers / osarch / profile)
    found = {key: value for key, value in lists.items() if value}
    return {"imagetype": "linux", "osname": "Linux", **found, **paths, "osdistroname": f"{osvers}-{osarch}", **named}


def _named(given: Mapping[str, str]) -> Values:
    if not (given.get("profile") and given.get("provmethod")):
        raise DefinitionError("The profile and provmethod are all need to be specified.")
    if given["provmethod"] not in _METHODS:
        raise DefinitionError(
            f"The provmethod: {given['provmethod']} is incorrect.", hint=f"Legal: {' '.join(_METHODS)}"
        )
    for key, value in (("imagetype", "linux"), ("osname", "Linux")):
        if given.get(key, value).lower() != value.lower():
            raise DefinitionError(f"The input {key}:{given[key]} not match {value}.")
    osvers, osarch = given.get("osvers") or _host_osvers(), given.get("osarch") or os.uname().machine
    if osvers.startswith("ubuntu") and osarch == "ppc64le":
        osarch = "ppc64el"
    return {**given, "osvers": osvers, "osarch": osarch}


def _host_osvers() -> str:
    import platform as host

    try:
        release = host.freedesktop_os_release()
    except OSError:
        raise DefinitionError("The osvers is not given, and this host does not say its own.") from None
    return f"{release.get('ID', '')}{release.get('VERSION_ID', '')}"


def _first(places: Sequence[Path], names: Sequence[str]) -> str:
    files = (place / name for place in places for name in names)
    return next((str(file) for file in files if file.is_file()), "")
