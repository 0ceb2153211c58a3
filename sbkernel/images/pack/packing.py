"""What packimage packs: a built tree, what the exlist leaves of it, and how; named by digests of all that goes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sbkernel.images.catalog.pointers import Source
from sbkernel.images.catalog.signatures import Signer
from sbkernel.images.initrd.programs import Program
from sbkernel.images.initrd.rootkinds import RootKind
from sbkernel.images.pack.content import Content, content_of
from sbkernel.images.pack.format import Format
from sbkernel.images.pack.layering import Layering
from sbkernel.images.pack.memory import Memory
from sbkernel.images.pack.packlist import Look
from sbkernel.images.plan import digest_of
from sbkernel.images.provenance.made import PROVENANCE
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.sync.step import Sync
from sbkernel.jobs.lock import lock_file
from sbkernel.lists.exlist import Exlist

FORMAT = 1

_NOT_PACKED = ("made", "lock", "container", PROVENANCE)
"""What a record says of how a tree came to be, not of what is in it."""


@dataclass(frozen=True)
class Packing:
    """The built directory, which is locked, what of its tree is packed, in which format, and what that needs.

    With `verity` the root gets a hash tree, and with a `signer` the version a signature, which nodes then ask for.
    `programs` are added to the initrd, `lost` says what the format does not keep, `sync` is what synclists do,
    `lists` are the files that exlist and synclists name, `layering` says over what it is packed if it is packed in
    layers, `tree` is the fingerprint of the content, "" while nobody has looked at it closely, `boot` are sum and size
    of the built kernel and initrd, and `kinds` the kinds of root beside ram that the initrd can make. `last` is the
    root that was packed last, if there is one. What is `gated` becomes the candidate alone.
    """

    image: str
    built: RootimgDir
    record: Mapping[str, Any]
    format: Format
    content: Content
    verity: bool = False
    signer: Signer | None = None
    programs: Sequence[Program] = ()
    lost: Sequence[str] = ()
    sync: Sync | None = None
    exlist: Exlist = field(default_factory=Exlist)
    lists: Sequence[Path] = ()
    tree: str = ""
    layering: Layering | None = None
    boot: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: Mapping[str, RootKind] = field(default_factory=dict)
    last: Path | None = None
    gated: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """Return what image.json says about how the image was made."""
        return {
            "format": FORMAT,
            "image": self.image,
            "kernelver": self.record.get("kernelver", ""),
            "plan": digest_of(self.record.get("steps", {})),
            "pack": self.described,
            **self._node,
            **({"syncfiles": self.sync.decision.boot_data} if self.sync else {}),
        }

    @property
    def described(self) -> dict[str, Any]:
        """Return how the root is packed, with all defaults filled in."""
        return {**self.format.described, **({"verity": "sha256"} if self.verity else {})}

    @property
    def synced(self) -> Sync | None:
        """Return what synclists do if any of it is done now."""
        return self.sync if self.sync and self.sync.applies else None

    @property
    def patterns(self) -> dict[str, list[str]]:
        """Return the patterns of the exlist, which choose among what synclists lay, too."""
        return {"exclude": list(self.exlist.exclude), "include": list(self.exlist.include)}

    def laid(self) -> Content:
        """Return the content when the files of synclists lie over the tree, with what is remembered of it."""
        content = content_of(self.synced.place.view, **self.patterns) if self.synced else self.content
        return replace(content, memory=Memory(self.built.sums, self.built.units, self.locked_ns, self.last))

    @cached_property
    def _node(self) -> dict[str, Any]:
        """Return what a node that unpacks the root must know: bytes of memory; and what was added to its initrd."""
        more = self.synced.decision.unpacked if self.synced else 0
        unpacks = self.format.unpacked or any(kind.unpacked for kind in self.kinds.values())
        unpacked = {"unpacked": self.content.survey.unpacked + more} if unpacks else {}
        programs = {"programs": [program.facts for program in self.programs]} if self.programs else {}
        kinds = {"rootkinds": list(self.kinds)} if self.kinds else {}
        return unpacked | programs | kinds | ({"key": self.signer.key.id} if self.signer else {})

    @cached_property
    def inputs(self) -> str:
        """Return the digest of all that the packed image depends on beside what lies in the tree."""
        built = {key: value for key, value in self.record.items() if key not in _NOT_PACKED}
        laid: list[Any] = [self.patterns, self.synced.step.inputs] if self.synced else []
        if self.layering:
            laid.append({"layered": True})
        return digest_of([self.asked, built, *self.boot.values(), *laid])

    @property
    def source(self) -> Source:
        """Return what is packed, as digests."""
        return Source(self.inputs, self.tree)

    def looked_at(self) -> Packing:
        """Return the same after a close look at the tree.

        A tree in which something was changed since it was locked has no fingerprint. Scripts of synclists may read
        what the exlist leaves out, so with synclists all of it is looked at.
        """
        look = self._look()
        return replace(self, tree=look.fingerprint if look.changed_ns <= self.locked_ns else "")

    @property
    def locked_ns(self) -> int:
        """Return when the tree was locked (st_ctime_ns of the lock)."""
        return lock_file(self.built.path).stat().st_ctime_ns

    def changed_since(self, locked_ns: int) -> bool:
        """Tell whether anything in the tree was changed since a packing that was killed has locked it."""
        return self._look().changed_ns > locked_ns

    def _look(self) -> Look:
        content = content_of(self.built.tree, exclude=(), include=()) if self.synced else self.content
        return content.look()
