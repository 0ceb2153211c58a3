"""Whose image is taken over: a site that knows keys takes what one of them has signed, and nothing else unasked."""

from __future__ import annotations

from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.bundle.description import Description
from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site

_UNSIGNED = "--unsigned takes it all the same"
_VERSION_ALONE = "the signature is of the version: its definition and lists are not signed, so look at them"


def check_name(described: Description, name: str) -> None:
    """Raise BuildError if nodes would refuse the image under another name: the signature that they ask for names it."""
    if name and ImageVersion(Path(), described.data).key:
        raise BuildError(
            f"nodes boot {described.image} only as it was signed, and under another name it is another image",
            hint="import it under its own name; --keep leaves the definition that is here",
        )


def check_signature(site: Site, source: str, directory: Path, described: Description, *, unsigned: bool) -> list[str]:
    """Return who signed what was copied to a directory, as remarks; BuildError for a wrong or missing signature.

    `unsigned` lets an image through that nobody known has signed, but none with a wrong signature.
    """
    version = ImageVersion(directory, described.data)
    known = keys.known(site)
    if not signatures.is_signed(version):
        if version.key:
            raise BuildError(f"{source} lacks the signature that its nodes ask for", hint="export it once more")
        if known and not unsigned:
            raise BuildError(f"{source} is not signed, and this site knows keys (sb keys ls)", hint=_UNSIGNED)
        return []
    try:
        who = f"signed by {signatures.check(version, known)}"
        return [who, *([_VERSION_ALONE] if described.osimage is not None else [])]
    except signatures.UnknownKeyError as error:
        said = error.message.replace(str(directory), source)
        if known and not unsigned:
            raise signatures.UnknownKeyError(said, hint=f"{error.hint}; {_UNSIGNED}") from None
        return [said]
    except BuildError as error:
        raise BuildError(error.message.replace(str(directory), source), hint="nothing was imported") from None
