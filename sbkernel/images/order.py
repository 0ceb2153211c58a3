"""The order to build an image as one value: the osimage as it is now, its files by digest, the plan that was shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.images.locking.lockfile import path_of_lock, read_lock
from sbkernel.images.options import ROOTLIMIT, STORED, checked, replaced
from sbkernel.images.spec import ImageSpec, attributes_of, read_spec
from sbkernel.images.tree.fstab import own_fstab
from sbkernel.jobs.blobs import inputs_of
from sbkernel.jobs.job import Job, submit
from sbkernel.jobs.launchers import HERE, launcher_named
from sbkernel.jobs.order import Order
from sbkernel.site import Site

TARGET = "sbkernel.images.genimage:genimage"
ELSEWHERE = "sbkernel.images.elsewhere.genimage:genimage_on"


def order_genimage(
    site: Site, image: str, *, plan: str = "", on: str = "", shared: bool = False, **options: Any
) -> Job:
    """Order genimage as a job; `plan` is the digest of the plan that was shown.

    It builds at the place `on`, else at the osimage's buildhost, else here; in any case it is a job of this host, which
    puts in place what comes back. `shared`, or buildshared, says that installdir is the same directory there. What is
    built is the osimage with its files as they are now. Raises what genimage raises before it builds, NotFoundError for
    what is no place.
    """
    attributes = attributes_of(site, image)
    place = on or attributes.get("buildhost") or HERE
    launcher_named(place)
    if place != HERE:
        shared = shared or (not on and attributes.get("buildshared") == "1")
        options |= {"on": place, "shared": shared}
    return submit(site, genimage_order(site, image, plan=plan, **options))


def genimage_order(site: Site, image: str, *, plan: str = "", **options: Any) -> Order:
    """Return the order, its files being kept for whoever carries it out; `options` are those of genimage."""
    attributes = attributes_of(site, image)
    values = {key: str(value) for key, value in options.items() if key in (*STORED, ROOTLIMIT)}
    overrides = replaced(checked(image, attributes, values))
    blobs = inputs_of(site)
    spec = read_spec(site, image, attributes, **overrides)
    files = [*files_of(site, spec)]
    if locked := options.get("locked", False):
        read_lock(file := path_of_lock(site, image, spec.osvers, locked))
        files.append(file)
        options["locked"] = str(file)
    inputs = {str(file): blobs.put(file) for file in files}
    target = ELSEWHERE if "on" in options else TARGET
    return Order("genimage", target, {"image": image, "attributes": attributes, **options}, inputs=inputs, plan=plan)


def files_of(site: Site, spec: ImageSpec) -> Iterator[Path]:
    """Yield every list and script that the osimage points to, and what those lists include."""
    for listed in (spec.request.pkglist, spec.request.otherpkglist):
        names = [*(document.file for document in listed.documents), *(entry.line.file for entry in listed.entries)]
        yield from map(Path, dict.fromkeys(names))
    yield from (script.path for script in spec.postinstall)
    if (fstab := own_fstab(site, spec)) is not None:
        yield fstab


def check_inputs(inputs: Mapping[str, Path]) -> None:
    """Raise BuildError unless the files that an order names are here what they were when it was made."""
    for name, ordered in inputs.items():
        here = Path(name)
        if not here.is_file() or here.read_bytes() != ordered.read_bytes():
            raise BuildError(f"{name} has changed since the build was ordered", hint="order it again")
