"""export-image: a version, the definition of its osimage and the lists of that, as one file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import growing
from sbkernel.images import space
from sbkernel.images.bundle import imgexport, oci, ours
from sbkernel.images.bundle.description import Description
from sbkernel.images.bundle.portable import definition, list_files, suspects
from sbkernel.images.catalog import keys, minisign
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import short
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

TARGET = "sbkernel.images.bundle.export_image:export_image"
BUNDLE = "bundle"
OCI = "oci"
XCAT = "xcat"
_ENDINGS = {BUNDLE: ".tar", OCI: ".oci.tar"}


def default_file(version: ImageVersion, kind: str) -> str:
    """Return what the file is called when nobody says."""
    return f"{version.image}.tgz" if kind == XCAT else f"{version.image}-{short(version.digest)}{_ENDINGS[kind]}"


def export_image(
    site: Site,
    image: str,
    file: str | Path,
    *,
    kind: str = BUNDLE,
    extra: Sequence[str] = (),
    node: str = "",
    with_environment: bool = False,
    report: Report | None = None,
) -> dict[str, Any]:
    """Write a version to a file, which is replaced as a whole; killed at any time, nothing of it is left.

    `image` is IMAGE or IMAGE@VERSION, `kind` one of KINDS; `extra` and `node` are imgexport's -e and -p, for the bundle
    of xCAT alone. Values of environvar are left out unless `with_environment`. Returns image, digest, file, size
    (bytes), remarks, seconds. The bytes depend on the version, the definition and its lists alone; a site with a key
    signs them, so that they depend on that and the user, too. Raises NotFoundError, DefinitionError, SbkernelError for
    a list that cannot be read, BuildError for a damaged version or a full disk.
    """
    report, started, path = report or NullReport(), time.monotonic(), Path(file).absolute()
    if problem := _problem(path):
        raise DefinitionError(f"{path} cannot be written: {problem}", hint="name a file")
    with Catalog(site).using(image) as version:
        described, remarks = describe(site, version, with_environment=with_environment)
        key = keys.own(site)
        try:
            with growing(path) as out:
                if kind == XCAT:
                    remarks += imgexport.write(out, described, version, report, imgexport.more(site, extra, node))
                    remarks += ["nothing in it is signed: bundles of xCAT have no place for that"] if key else []
                else:
                    members = ours.parts(described, version, _sign(site, version.image) if key else None)
                    remarks += WRITERS[kind](out, described, version, members, report)
                    remarks += [f"{WHAT_IS_SIGNED[kind]} signed with the key {key.id} of the site"] if key else []
        except (OSError, SbkernelError) as error:
            if full := space.full(error, f"export {image}", path.parent):
                raise full from error
            raise
    return {
        "image": version.image,
        "digest": version.digest,
        "file": str(path),
        "size": path.stat().st_size,
        "remarks": remarks,
        "seconds": round(time.monotonic() - started, 3),
    }


def describe(site: Site, version: ImageVersion, *, with_environment: bool = False) -> tuple[Description, list[str]]:
    """Return what a bundle of a version says of itself, and remarks about what it leaves out or may be secret."""
    values, environment, remarks = definition(site, version.image, with_environment=with_environment)
    lists = tuple(list_files(site, values)) if values else ()
    if any(one.attribute == "synclists" for one in lists):
        remarks.append("synclists: the files that they name are not in the bundle")
    return Description(version.data, values, lists, environment), [*remarks, *suspects(lists)]


def _problem(path: Path) -> str:
    if not path.parent.is_dir():
        return "no such directory"
    if path.is_dir():
        return "it is a directory"
    return "it is no regular file" if path.exists() and not path.is_file() else ""


def _sign(site: Site, image: str) -> ours.Sign:
    """Return what signs a bundle with the key of the site. SbkernelError if others may read that."""
    secret = keys.secret_key(site)
    return lambda text: minisign.signature_of(text, secret, f"{image} exported")


def _bundle(
    out: Any,
    described: Description,  # noqa: ARG001 - another kind of file says of itself what it is
    version: ImageVersion,  # noqa: ARG001
    members: Sequence[ours.Part],
    report: Report,
) -> list[str]:
    ours.write(out, members, report)
    return []


Writer = Callable[[Any, Description, ImageVersion, Sequence[ours.Part], Report], list[str]]
WRITERS: Mapping[str, Writer] = {BUNDLE: _bundle, OCI: oci.write}
WHAT_IS_SIGNED = {
    BUNDLE: "version, definition and lists are",
    OCI: "version, definition and lists, which sb import-image reads, are (the layers that containers see are not)",
}
KINDS = (*WRITERS, XCAT)
