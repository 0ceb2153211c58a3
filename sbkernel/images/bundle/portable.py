"""The definition of an osimage without the places of its site, and the files that it points to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sbkernel import resources
from sbkernel.definitions.attributes import is_secret
from sbkernel.definitions.clone import LISTS, WITH_INCLUDES, Moved, list_text, relocated
from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.images.bundle.description import FSTAB, ListFile
from sbkernel.images.families.places import shown
from sbkernel.lists import lookup
from sbkernel.lists.text import decoded, encoded
from sbkernel.site import Site

INSTALLDIR, SHARE = Path("{installdir}"), Path("{share}")
_NOT_OURS = ("parent",)
"""Attributes that name what only this site has."""
ENVIRONMENT = "environvar"
_SOURCES = ("pkgdir", "otherpkgdir", "kerneldir")
"""Attributes in which places of packages and files of keys are named."""
_SUSPECT = re.compile(r"(?i)(?:passw(?:or)?d|passphrase|secret|token|api_?key)\w*[=:][^\s$]")


def places(site: Site) -> Moved:
    """Return the directories of a site with their names in a bundle, the innermost first."""
    return (
        (site.root / "share", SHARE),
        (resources.templates(), SHARE),
        (site.installdir, INSTALLDIR),
    )


def here(site: Site, value: str) -> str:
    """Return an attribute of a bundle as this site writes it."""
    return relocated(value, ((SHARE, site.root / "share"), (INSTALLDIR, site.installdir)))


class Defined(NamedTuple):
    """The attributes of an osimage for a bundle, None if it is not defined any more, and remarks about them.

    `environment` are the names of the variables in environvar, if that is left out.
    """

    values: dict[str, str] | None
    environment: tuple[str, ...]
    remarks: list[str]


def definition(site: Site, image: str, *, with_environment: bool = False) -> Defined:
    """Return the definition of an osimage without what may be secret: passwords, and values of environvar."""
    try:
        attributes = site.osimages[image].attributes
    except NotFoundError:
        return Defined(None, (), [f"osimage {image} is not defined any more: the bundle holds the version alone"])
    secrets = [key for key in attributes if is_secret("osimage", key)]
    values = {
        key: relocated(value, places(site))
        for key, value in attributes.items()
        if key not in (*_NOT_OURS, *secrets, *([] if with_environment else [ENVIRONMENT]))
    }
    without = {key: shown(value) for key, value in values.items()}
    remarks = [f"{key}: the password in an address is left out" for key in values if values[key] != without[key]]
    remarks += [f"{key}: left out, as it is a secret" for key in secrets]
    remarks += [f"{key} may hold a password, and is in the bundle" for key in without if _SUSPECT.search(without[key])]
    pairs = () if with_environment else attributes.get(ENVIRONMENT, "").split(",")
    environment = tuple(pair.partition("=")[0].strip() for pair in pairs if pair.strip())
    if environment:
        remarks.append(f"{ENVIRONMENT}: left out, as {', '.join(environment)} may be secret (--with-environment)")
    return Defined(without, environment, remarks)


def suspects(lists: Iterable[ListFile]) -> list[str]:
    """Return remarks about lists and scripts in which a password seems to stand."""
    lines = (
        (one, number, line)
        for one in lists
        for number, line in enumerate(one.content.decode(errors="replace").splitlines(), start=1)
    )
    return [
        f"{one.attribute}: {Path(one.path).name}:{number} may hold a password, and is in the bundle"
        for one, number, line in lines
        if _SUSPECT.search(line)
    ]


def absent(values: Mapping[str, str]) -> list[str]:
    """Return remarks about places of another site in a definition: genimage would look for them here."""
    words = ((key, word) for key in _SOURCES for word in re.split(r"[\s,=]+", values.get(key, "")))
    missing = ((key, word) for key, word in words if word.startswith("/") and not Path(word).exists())
    return [f"{key}: there is no {word} here, where genimage would look" for key, word in dict.fromkeys(missing)]


def list_files(site: Site, values: Mapping[str, str]) -> Iterator[ListFile]:
    """Yield the files that a definition points to, and the fstab that the site has for it.

    What a list includes stands in its place. Raises SbkernelError for one that cannot be read.
    """
    for attribute in LISTS:
        for number, element in enumerate(elements(values.get(attribute, "")), start=1):
            portable = element.partition(" ")[0]
            path = Path(here(site, portable))
            yield ListFile(attribute, number, portable, _mode(path), content(attribute, path))
    if fstab := _fstab(site, values):
        yield ListFile(FSTAB, 1, relocated(str(fstab), places(site)), 0o644, content(FSTAB, fstab))


def elements(value: str) -> list[str]:
    """Return the elements of a comma list of paths; behind a blank, a script may have arguments."""
    return [element.strip() for element in value.split(",") if element.strip()]


def content(attribute: str, path: Path) -> bytes:
    """Return the content of a list file with all that it includes."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "The osimage names it; chdef can correct it."
        raise SbkernelError(f"{path}: {error.strerror}", hint=hint) from None
    if attribute not in WITH_INCLUDES:
        return data
    return encoded(list_text(decoded(data), path.parent, ()))


def _mode(path: Path) -> int:
    return 0o755 if path.exists() and path.stat().st_mode & 0o100 else 0o644


def _fstab(site: Site, values: Mapping[str, str]) -> Path | None:
    profile, osvers, osarch = (values.get(key, "") for key in ("profile", "osvers", "osarch"))
    own = lookup.directories(site, osvers)[0]
    return lookup.find([own], profile, osvers, osarch, FSTAB) if profile else None
