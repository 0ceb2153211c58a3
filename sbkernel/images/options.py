"""What genimage is told beside the image's name: values that take the place of the osimage's and are then stored in it.

xCAT names the image, or lets osvers, osarch and profile say which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sbkernel.definitions.validate import check_values
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.site import Site

STORED = ("nodebootif", "otherifce", "netdrivers", "kernelver", "krpmver", "permission", "kerneldir")
"""Attributes that genimage takes as options."""
ROOTLIMIT = "rootlimit"
"""Size of the root in a node's memory; the initrd reads it from the kernel's command line, as xCAT's does."""

_SIZE = re.compile(r"[1-9]\d*[kKmMgG%]?")


def checked(image: str, attributes: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return those of the given values that are not empty; DefinitionError for one that the osimage cannot have."""
    if unknown := sorted(set(given) - {*STORED, ROOTLIMIT}):
        raise TypeError(f"genimage takes no {' '.join(unknown)}")
    values = {key: value for key, value in given.items() if value}
    limit = values.get(ROOTLIMIT)
    if limit is not None and not _SIZE.fullmatch(limit):
        raise DefinitionError(
            f"{image}: '{limit}' is not a size of the root", hint="a number of bytes, with k, m or g behind it, or %"
        )
    changes = changed(attributes, values)
    check_values("osimage", image, changes, {**attributes, **changes})
    return values


def replaced(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that take the place of attributes while an image is built."""
    return {key: value for key, value in values.items() if key in STORED}


def changed(before: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return what the values make of the attributes of an osimage; only what changes."""
    after = replaced(values)
    if limit := values.get(ROOTLIMIT):
        others = [word for word in before.get("addkcmdline", "").split() if not word.startswith(f"{ROOTLIMIT}=")]
        after["addkcmdline"] = " ".join([*others, f"{ROOTLIMIT}={limit}"])
    return {key: value for key, value in after.items() if before.get(key, "") != value}


def store(site: Site, image: str, values: Mapping[str, str]) -> None:
    """Store values in an osimage, in one change set; none if nothing changes."""
    if changed(site.osimages[image].attributes, values):
        site.change("osimage", {image: lambda before: changed(before, values)}, "genimage")


def find_image(site: Site, *, osvers: str = "", osarch: str = "", profile: str = "") -> str:
    """Return the one netboot osimage with these; an empty one fits any. NotFoundError for none, or for several."""
    wanted = {"provmethod": "netboot", "osvers": osvers, "osarch": osarch, "profile": profile}
    wanted = {key: value for key, value in wanted.items() if value}
    fitting = sorted(
        one.name
        for one in site.osimages.many(site.osimages).values()
        if all(one.get(key) == value for key, value in wanted.items())
    )
    said = " ".join(f"{key}={value}" for key, value in wanted.items())
    if not fitting:
        raise NotFoundError(f"Cannot find an osimage with {said}", hint="sb lsdef -t osimage lists what there is")
    if len(fitting) > 1:
        raise NotFoundError(f"several osimages have {said}: {' '.join(fitting)}", hint="name one of them")
    return fitting[0]
