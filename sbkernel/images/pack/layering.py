"""Whether an image is packed as a layer over a version that is there, or all of it anew: as a whole, flat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.images.catalog.reference import short
from sbkernel.images.catalog.version import CONTENT_LIST, ImageVersion
from sbkernel.images.pack import listing
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.difference import difference
from sbkernel.images.pack.format import Format
from sbkernel.images.plan import Facts
from sbkernel.units import size

MOST = 4
"""Roots in a stack: each is one more file that a node fetches, mounts and looks into."""
PART = 3
"""A layer that would hold more than this part of an image is not worth one of them."""


@dataclass(frozen=True)
class Layering:
    """That an image is packed in layers: over this version, or over none, and why."""

    base: ImageVersion | None = None
    why_flat: str = ""

    @property
    def digest(self) -> str:
        """Return the digest of the version that it is packed over, ""."""
        return self.base.digest if self.base else ""

    def __str__(self) -> str:
        """Return it for a plan."""
        return f"over {short(self.digest)} if little has changed" if self.base else f"flat: {self.why_flat}"

    def over(self, content: Content, listed: Path, facts: Facts) -> Layer:
        """Return what of a content is packed, now that it is listed in a file; `overlaid` and `bytes` as in Listed."""
        if self.base is None:
            return Layer(content, why_flat=self.why_flat)
        if overlaid := facts["overlaid"]:
            return Layer(content, why_flat=f"{overlaid[0]} has attributes of overlayfs")
        try:
            below, now = listing.apart(self.base.dir / CONTENT_LIST, listed)
        except BuildError as error:
            return Layer(content, why_flat=str(error))
        held = difference(below, now)
        changed, whole = sum(count for _, count in listing.plain_files(now, held.held)), int(facts["bytes"])
        if changed * PART > whole:
            return Layer(content, why_flat=f"{size(changed)} of {size(whole)} have changed")
        return Layer(content.layer(held), self.base, is_empty=held.is_empty)


@dataclass(frozen=True)
class Layer:
    """What is packed: all of an image, or what differs from a version; nothing of it if that `is_empty`."""

    content: Content
    base: ImageVersion | None = None
    is_empty: bool = False
    why_flat: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """Return what publishing must know: how many roots of the base lie below, and why if none of them does."""
        if self.base is None:
            return {"flat": self.why_flat} if self.why_flat else {}
        return {"lower": len(self.base.roots) - self.is_empty, "same": self.is_empty}

    def __str__(self) -> str:
        """Return what is done, for the log."""
        if self.base is None:
            return f"packed flat: {self.why_flat}"
        over = f"{short(self.base.digest)} ({len(self.base.roots)} of at most {MOST})"
        held = f"{len(self.content.listed.kept)} paths, {len(self.content.gone)} gone"
        return f"nothing has changed in the root of {over}" if self.is_empty else f"a layer over {over}: {held}"


def layering(
    last: ImageVersion | None, packed: Format, described: Mapping[str, Any], *, initrd_stacks: bool, flat: bool
) -> Layering:
    """Return over which version a format can pack a layer: over the one that was packed `last`, if over any.

    `described` says how it is packed, as image.json does.
    """
    why = "as asked for" if flat else _why_flat(last, packed, described, initrd_stacks=initrd_stacks)
    return Layering(why_flat=why) if why or last is None else Layering(last)


def _why_flat(last: ImageVersion | None, packed: Format, described: Mapping[str, Any], *, initrd_stacks: bool) -> str:
    if not packed.stacks:
        return f"{packed.described['method']} makes no layers"
    if not initrd_stacks:
        return "the initrd knows no layers; sb genimage makes a new one"
    if last is None:
        return "there is no version to lie over"
    if not last.layered:
        return f"{short(last.digest)} was not packed in layers"
    if last.data.get("pack") != described:
        return f"{short(last.digest)} was packed in another way"
    if len(last.roots) >= MOST:
        return f"{short(last.digest)} has {len(last.roots)} layers already"
    return ""


def lower_names(own: str, count: int) -> list[str]:
    """Return what the roots below a version's own are called in its directory: root.0.squashfs, root.1.squashfs ..."""
    stem, _, ending = own.partition(".")
    return [f"{stem}.{place}.{ending}" for place in range(count)]
