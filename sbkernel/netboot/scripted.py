"""Which scripts the nodes of a site run after boot, read from its definitions."""

from __future__ import annotations

import functools
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.bootplan import Bootable
from sbkernel.netboot.postscripts import (
    KINDS,
    SYNCFILES,
    Bundle,
    Script,
    Shelf,
    environment,
    for_node,
    in_order,
    members,
    own,
)
from sbkernel.netboot.server import Server
from sbkernel.site import Site

EVERY_NODE = "xcatdefaults"
"""The group whose postscripts are for every node, whether it is in the group or not (xCAT: postscripts table)."""


@dataclass(frozen=True)
class Scripted:
    """What the scripts of all nodes have in common; `files` of boot/ by path are what nodes fetch."""

    site: Site
    settings: Mapping[str, str]
    everywhere: Definition
    shelf: Shelf
    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Site) -> Scripted:
        """Read what all nodes have in common."""
        everywhere = Definition.of("group", EVERY_NODE, site.store.get("group", EVERY_NODE) or {})
        return cls(site, site.store.get("site", SITE) or {}, everywhere, Shelf(site.installdir / "postscripts"))

    def all_of(self, node: Definition, image: Definition) -> tuple[Script, ...]:
        """Return the scripts that a node runs after it booted an image. Raises NodeError for what is no script."""
        try:
            lent = self._lent(image)
            return in_order(*((*texts, node.get(f"{kind}s")) for kind, texts in zip(KINDS, lent, strict=True)))
        except DefinitionError as error:
            raise for_node(error, node.name) from error

    def _lent(self, image: Definition) -> tuple[tuple[str, str], ...]:
        """Return the postscripts and postbootscripts that every node of an image has; they are read once."""
        if image.name not in self._texts:
            lenders = (self.everywhere, image)
            self._texts[image.name] = tuple(tuple(one.get(f"{kind}s") for one in lenders) for kind in KINDS)  # type: ignore[misc]
        return self._texts[image.name]

    def at_boot(self, node: Definition, image: Definition, version: ImageVersion, asks: bool) -> tuple[Script, ...]:
        """Return what a node does itself: its own scripts, and asking for files, if some are kept for its boot."""
        every = self.all_of(node, image)
        found = own(every)
        if len(found) == len(every) or not asks or not self.kept(node.name, version):
            return found
        return tuple(one for one in every if one in found or (one.name, one.kind) == (SYNCFILES, KINDS[0]))

    def may_have(self, node: Definition, chosen: Bootable, server: Server) -> bool:
        """Tell whether nodes like this one, whatever their names, may have scripts in their overlays."""
        every = self.all_of(node, chosen.definition)
        found = own(every)
        return bool(found or (len(found) != len(every) and server.takes_status and chosen.version.syncfiles))

    def kept(self, node: str, version: ImageVersion) -> list[dict[str, str]]:
        """Return the lines of synclists that a version keeps for the boot of a node; none of one packed elsewhere."""
        if version.data.get("host") != self._host:
            return []
        lines = version.syncfiles
        return [line for line in lines if not line["noderange"] or node in self._named(line["noderange"])]

    def members(self, node: Definition, chosen: Bootable, server: Server) -> bytes:
        """Return the members that a node's overlay has for its scripts, b"" for none. Raises NodeError."""
        scripts = self.at_boot(node, chosen.definition, chosen.version, server.takes_status)
        if not scripts:
            return b""
        bundle = self._bundle(node.name, own(scripts)) if own(scripts) else None
        values = environment(self.settings, node, chosen.definition, server)
        return members(scripts, values, server, bundle)

    def _bundle(self, node: str, scripts: tuple[Script, ...]) -> Bundle:
        try:
            self.shelf.check(scripts)
            bundle = self.shelf.bundle
        except DefinitionError as error:
            raise for_node(error, node) from error
        self.files[bundle.path] = bundle.content
        return bundle

    @functools.cached_property
    def _texts(self) -> dict[str, tuple[tuple[str, str], ...]]:
        return {}

    @functools.cached_property
    def _host(self) -> str:
        return socket.gethostname()

    @functools.cached_property
    def _ranges(self) -> dict[str, frozenset[str]]:
        return {}

    def _named(self, noderange: str) -> frozenset[str]:
        if noderange not in self._ranges:
            self._ranges[noderange] = frozenset(self.site.noderange(noderange))
        return self._ranges[noderange]
