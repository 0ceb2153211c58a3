"""import-image: a version from elsewhere, its definition and its lists, checked before anything is seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, DefinitionError, NotFoundError, SbkernelError
from sbkernel.images import space
from sbkernel.images.bundle.containers import bottom_layer, foreign
from sbkernel.images.bundle.description import Description
from sbkernel.images.bundle.imgimport import import_xcat
from sbkernel.images.bundle.laying import How, Laying, laid, plan_laying
from sbkernel.images.bundle.ours import Bundle, NoBundleError
from sbkernel.images.bundle.tarfiles import Tar
from sbkernel.images.bundle.trust import check_age, check_name, check_signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.gates import gate_of
from sbkernel.images.catalog.reference import Reference
from sbkernel.images.catalog.version import NOT_CONTENT, ImageVersion
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

TARGET = "sbkernel.images.bundle.import_image:import_image"


def import_image(
    site: Site,
    file: str | Path,
    *,
    name: str = "",
    force: bool = False,
    keep: bool = False,
    promote: bool = False,
    as_packed: bool = False,
    unsigned: bool = False,
    allow_older: bool = False,
    profile: str = "",
    nodes: str = "",
    report: Report | None = None,
) -> dict[str, Any]:
    """Take a bundle into the site: its version as the candidate, its definition and lists where they are missing.

    What is here already and differs is an error, unless `name` gives the osimage another name, `keep` leaves what is
    here, or `force` replaces it. With `promote` nodes boot it; `as_packed` moves pointers as packimage would. A site
    that knows keys takes what one of them has signed, or with `unsigned` what nobody has. With `allow_older` a version
    may be older than one that is here. A bundle of xCAT is defined and unpacked for packimage; `profile` and `nodes`
    are imgimport's -f and -p, for that alone.

    Returns image, digest, was (the digest before it got another name, or ""), there (nothing had to be copied), laid
    (lines), current, size (bytes), remarks, seconds. Raises NotFoundError, DefinitionError for what differs, BuildError
    for a bundle that is damaged, foreign or hostile, or a full disk; then nothing is changed. Killed at any time no
    version is there in part; what was copied so far goes with the next packing or collection.
    """
    report, started, path = report or NullReport(), time.monotonic(), Path(file).absolute()
    how = How(name, force=force, keep=keep, gated=not as_packed, unsigned=unsigned, allow_older=allow_older)
    _check_kind(path)
    try:
        if _is_gzip(path):
            done = import_xcat(site, path, how, report, profile=profile, nodes=nodes)
            more = ["nothing was promoted: it has no version yet"] if promote else []
            return {**done, "remarks": [*done["remarks"], *more]}
        if profile or nodes:
            raise DefinitionError(
                f"{path.name} is no bundle of xCAT: a profile and postscripts can be given to those alone",
                hint="sb import-image --as NAME gives it another name",
            )
        with _opened(path) as (bundle, remarks):
            if promote:
                _check_gate(site, name or bundle.description.image)
            version, laying, there = _import(site, bundle, how, path.name, remarks, report)
    except (OSError, SbkernelError) as error:
        if full := space.full(error, f"import {path.name}", site.catalog):
            raise full from error
        raise
    catalog = Catalog(site)
    if promote:
        catalog.promote(Reference(version.image, version.digest))
    return {
        "image": version.image,
        "digest": version.digest,
        "was": bundle.description.digest if name else "",
        "there": there,
        "laid": laying.said,
        "current": catalog.pointers(version.image).current,
        "size": version.size_bytes,
        "remarks": remarks,
        "seconds": round(time.monotonic() - started, 3),
    }


def _check_gate(site: Site, image: str) -> None:
    """Raise DefinitionError for an image that has a gate: what comes from elsewhere was not tested here."""
    if gate := gate_of(site, image):
        raise DefinitionError(
            f"{image} has gate={gate}: nodes boot no version that was not tested here",
            hint=f"leave --promote out, then: sb testboot {image} --promote",
        )


def _check_kind(path: Path) -> None:
    """Raise NotFoundError for a path of nothing, BuildError for what is neither a file nor a directory: others wait."""
    if not path.exists():
        raise NotFoundError(f"{path} does not exist", hint="a bundle is a file that sb export-image has written")
    if not (path.is_file() or path.is_dir()):
        raise BuildError(
            f"{path} is no regular file", hint="write what comes out of a pipe or a device to a file first"
        )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Bundle, list[str]]]:
    """Open a bundle that is a file, or the bottom layer of a container."""
    if not path.is_dir():
        with path.open("rb") as stream, suppress(NoBundleError):
            bundle = Bundle(Tar(path.name, stream))
            yield bundle, []
            return
    with bottom_layer(path) as (layer, remarks):
        try:
            bundle = Bundle(Tar(path.name, layer))
        except NoBundleError:
            raise foreign(path) from None
        yield bundle, remarks


def _import(
    site: Site, bundle: Bundle, how: How, source: str, remarks: list[str], report: Report
) -> tuple[ImageVersion, Laying, bool]:
    check_name(bundle.description, how.name)
    described = bundle.renamed(how.name) if how.name else bundle.description
    laying = plan_laying(site, described.image, described.osimage, described.lists, how, described.environment)
    catalog = Catalog(site)
    judged = check_signatures(site, source, bundle, laying, unsigned=how.unsigned)
    check_age(catalog, described, bundle, judged, allow_older=how.allow_older)
    remarks += [*judged.remarks, *laying.remarks, *_left_for_boot(described)]
    if _is_there(catalog, described.digest):
        with laid(site, laying):
            version = catalog.publish_again(described.image, described.digest, gated=how.gated)
            if version is None:
                raise BuildError(f"version {described.digest} was removed meanwhile", hint="import it once more")
        return version, laying, True
    needed = sum(facts["size"] for facts in described.files.values())
    space.check(needed, "the files of the image", catalog.path)
    with catalog.staging() as staged:
        with report.phase("copy the image", total=needed):
            same = described.digest == bundle.description.digest
            bundle.stage(staged, report, catalog.versions(described.image), signed=same)
        with laid(site, laying):
            content = {key: value for key, value in described.data.items() if key not in {*NOT_CONTENT, "files"}}
            origin = {key: described.data[key] for key in NOT_CONTENT if key in described.data}
            return catalog.publish(staged, content, gated=how.gated, origin=origin), laying, False


def _left_for_boot(described: Description) -> list[str]:
    lines = described.data.get("syncfiles", [])
    host = described.data.get("host") or "the host where it was packed"
    return [f"{len(lines)} lines of its synclists were left for boot, and name files of {host}"] if lines else []


def _is_gzip(path: Path) -> bool:
    """Tell whether a file is compressed as a bundle of xCAT is."""
    if path.is_dir():
        return False
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _is_there(catalog: Catalog, digest: str) -> bool:
    with suppress(NotFoundError):
        return bool(catalog.get(digest))
    return False
