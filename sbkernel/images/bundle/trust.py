"""Whose image is taken over: a site that knows keys takes what one of them has signed, and nothing else unasked.

A version is signed by who packed it, and that is what nodes check. The seal of a bundle is signed by who exported it:
definition and lists have no other signature. And no version takes the place of a newer one unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.bundle.description import Description
from sbkernel.images.bundle.laying import Laying
from sbkernel.images.bundle.ours import Bundle
from sbkernel.images.catalog import keys, minisign, signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.minisign import Signed, UnknownKeyError
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site

_UNSIGNED = "--unsigned takes it all the same"
_KEEP = "--keep takes the version alone, if the osimage is defined here; --unsigned takes all of it"
_OLDER = "--allow-older takes it all the same"


@dataclass(frozen=True)
class Judged:
    """Whose signatures were found to be good: of the version, of the whole bundle; and what there is to say."""

    version: Signed | None
    whole: Signed | None
    remarks: Sequence[str]


def check_name(described: Description, name: str) -> None:
    """Raise BuildError if nodes would refuse the image under another name: the signature that they ask for names it."""
    if name and ImageVersion(Path(), described.data).key:
        raise BuildError(
            f"nodes boot {described.image} only as it was signed, and under another name it is another image",
            hint="import it under its own name; --keep leaves the definition that is here",
        )


def check_unsigned(site: Site, source: str, *, unsigned: bool) -> None:
    """Raise BuildError if a site asks for signatures, and nobody has asked for something without one."""
    if keys.known(site) and not unsigned:
        raise _unsigned(source)


def check_signatures(site: Site, source: str, bundle: Bundle, laying: Laying, *, unsigned: bool) -> Judged:
    """Return who signed what of a bundle, before any of it is copied; BuildError for a wrong or missing signature.

    `unsigned` lets through what nobody known has signed, but nothing with a wrong signature. Definition and lists count
    only as far as the laying takes any of them.
    """
    version = ImageVersion(Path(), bundle.description.data)
    if version.key and not bundle.signature:
        raise BuildError(f"{source} lacks the signature that its nodes ask for", hint="export it once more")
    found, seal = bundle.signature, bundle.seal
    known = keys.known(site)
    of_version = _asked(lambda: signatures.check_texts(version, found, known, source)) if found else None
    whole = _asked(lambda: minisign.checked(seal.text, seal.signature, known, source)) if seal else None
    if known and not unsigned and not isinstance(whole, Signed):
        _check_parts(source, of_version, whole, takes_definition=not laying.is_empty)
    brings_more = bundle.description.osimage is not None
    return Judged(
        of_version if isinstance(of_version, Signed) else None,
        whole if isinstance(whole, Signed) else None,
        list(dict.fromkeys(_said(of_version, whole, brings_more=brings_more and bool(known or found)))),
    )


def _asked(check: Callable[[], Signed]) -> Signed | UnknownKeyError:
    try:
        return check()
    except UnknownKeyError as error:
        return error
    except BuildError as error:
        raise BuildError(error.message, hint="nothing was imported") from None


def _check_parts(
    source: str,
    of_version: Signed | UnknownKeyError | None,
    whole: UnknownKeyError | None,
    *,
    takes_definition: bool,
) -> None:
    """Raise BuildError unless a known key has signed the version, and nothing else is taken."""
    for one in (of_version, whole if takes_definition else None):
        if isinstance(one, UnknownKeyError):
            raise UnknownKeyError(one.message, hint=f"{one.hint}; {_UNSIGNED}")
    if of_version is None:
        raise _unsigned(source)
    if takes_definition:
        raise BuildError(f"only the version in {source} is signed, but not its definition and lists", hint=_KEEP)


def _unsigned(source: str) -> BuildError:
    return BuildError(f"{source} is not signed, and this site knows keys (sb keys ls)", hint=_UNSIGNED)


def _said(
    of_version: Signed | UnknownKeyError | None, whole: Signed | UnknownKeyError | None, *, brings_more: bool
) -> list[str]:
    """Return what is signed, and by whom, a line each."""
    lines = [
        f"{what} signed by {one}" if isinstance(one, Signed) else one.message
        for what, one in (("the version was", of_version), ("version, definition and lists were", whole))
        if one is not None
    ]
    unsigned = ["its definition and lists are not signed, so look at them"] if brings_more and whole is None else []
    return [*lines, *unsigned]


def check_age(catalog: Catalog, described: Description, bundle: Bundle, judged: Judged, *, allow_older: bool) -> None:
    """Raise BuildError for a version that was published before one that is here: somebody may pass it off as new.

    The time is what the signature says; one from before signatures said so is older than all that do.
    """
    image, digest = described.image, described.digest
    there = [version for version in catalog.versions(image) if version.digest != digest]
    if allow_older or not there or catalog.pointers(image).candidate == digest:
        return
    newest = max(there, key=lambda version: version.created)
    name, newer = Reference(image, short(digest)), Reference(image, short(newest.digest))
    version = ImageVersion(Path(), {"created": 0, **described.data})
    if version.created < newest.created:
        said = f"{name} is of {version.published}, and older than {newer} of {newest.published}, which is here"
        raise BuildError(said, hint=_OLDER)
    undated = judged.version is not None and judged.whole is None and not signatures.dates(bundle.signature)
    if undated and any(signatures.dates(signatures.read(version)) for version in there):
        raise BuildError(f"the signature of {name} does not say when it was published, as those here do", hint=_OLDER)
