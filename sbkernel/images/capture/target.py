"""The osimage that a capture becomes: the one there is, a clone of the one that the node booted, or one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.newsite import netboot_osimage
from sbkernel.definitions.refusals import refuse
from sbkernel.definitions.validate import check_name
from sbkernel.errors import DefinitionError
from sbkernel.images import options, rootimgdir
from sbkernel.images.capture.look import Look
from sbkernel.images.capture.osvers import check, osarch_of, osvers_of
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import Described
from sbkernel.site import Site

VERB = "imgcapture"


@dataclass(frozen=True)
class Target(Described):
    """An osimage with its values as they will be, and how its definition is made: from a `parent`, or of its own.

    `given` are the values that the verb was told, which take the place of those of the definition.
    """

    image: str
    values: Mapping[str, str]
    given: Mapping[str, str]
    exists: bool
    parent: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Return the attributes of the osimage as they will be."""
        return self.values

    @property
    def directory(self) -> RootimgDir:
        """Return where its tree lies."""
        return RootimgDir(Path(self.attributes["rootimgdir"]))

    def define(self, site: Site) -> None:
        """Make the definition if it is missing, and store what the verb was told; nothing if all is as it should be."""
        if not self.exists and self.parent:
            site.clone(self.parent, self.image)
        values = dict(self.given) if self.exists or self.parent else dict(self.attributes)
        before = site.osimages[self.image].attributes if self.image in site.osimages else {}
        changed = {key: value for key, value in values.items() if before.get(key, "") != value}
        if changed:
            site.change("osimage", {self.image: changed}, VERB)


def target_of(site: Site, image: str, parent: str, look: Look, given: Mapping[str, str]) -> Target:
    """Return the osimage that a capture is to become; `parent` is the one that the node boots, "" if that has none.

    Raises DefinitionError for a name or a value that cannot be, or an image that is not netboot; BuildError in xCAT's
    words when osvers or osarch is not that of the node.
    """
    check_name("osimage", image)
    _check_profile(given.get("profile", ""))
    exists = image in site.osimages
    parent = parent if parent in site.osimages else ""
    attributes = _attributes(site, image, parent, look, given.get("profile", ""))
    values = {key: value for key, value in given.items() if value}
    profile = {"profile": values["profile"]} if "profile" in values else {}
    stored = options.checked(image, attributes, {key: value for key, value in values.items() if key != "profile"})
    attributes |= {**profile, **stored}
    if attributes.get("provmethod") != "netboot":
        raise DefinitionError(
            f"'{image}' cannot be used to capture diskless image. Make sure osimage.provmethod is 'netboot'."
        )
    refuse(Definition.of("osimage", image, attributes), "genimage")
    check(image, attributes, look.release, look.machine)
    attributes["rootimgdir"] = str(rootimgdir.checked(site, image, attributes))
    return Target(image, attributes, {**profile, **stored}, exists, parent)


def _check_profile(profile: str) -> None:
    if "/" in profile or profile.startswith(".") or not profile.isprintable():
        raise DefinitionError(f"{profile!r} is no profile: it becomes part of paths", hint="a word such as compute")


def _attributes(site: Site, image: str, parent: str, look: Look, profile: str) -> dict[str, str]:
    """Return the attributes of the osimage as it is, or as it will be made."""
    if image in site.osimages:
        return dict(site.osimages[image].attributes)
    if parent:
        return dict(site.plan_clone(parent, image).values)
    osvers, osarch = osvers_of(look.release), osarch_of(look.machine)
    return dict(netboot_osimage(osvers, osarch, profile or image, site.installdir))
