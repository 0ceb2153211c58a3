"""What packimage packs: a built tree, what the exlist leaves of it, and how; named by digests of all that goes in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sbkernel.images.catalog.pointers import Source
from sbkernel.images.catalog.version import file_facts
from sbkernel.images.pack import packlist
from sbkernel.images.pack.packlist import Look, PackList
from sbkernel.images.pack.squashfs import PackOptions
from sbkernel.images.plan import digest_of
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.jobs.lock import lock_file
from sbkernel.jobs.run import run

FORMAT = 1


@dataclass(frozen=True)
class Packing:
    """The built directory, which is locked, what the list leaves of it, and how it is packed.

    `tree` is the fingerprint of the tree, "" while nobody has looked at it closely.
    """

    image: str
    built: RootimgDir
    record: Mapping[str, Any]
    options: PackOptions
    listed: PackList
    tree: str = ""

    @property
    def asked(self) -> dict[str, Any]:
        """Return what image.json says about how the image was made."""
        return {
            "format": FORMAT,
            "image": self.image,
            "kernelver": self.record.get("kernelver", ""),
            "plan": digest_of(self.record.get("steps", {})),
            "pack": self.options.as_dict(),
        }

    @cached_property
    def inputs(self) -> str:
        """Return the digest of all that the packed image depends on beside what lies in the tree."""
        built = {key: value for key, value in self.record.items() if key != "made"}
        return digest_of([self.asked, built, file_facts(self.built.kernel), file_facts(self.built.initrd)])

    @property
    def source(self) -> Source:
        """Return what is packed, as digests."""
        return Source(self.inputs, self.tree)

    def looked_at(self) -> Packing:
        """Return the same after a close look at the tree, which costs about 0.1 s in 500 MB.

        A tree in which something was changed since it was locked has no fingerprint.
        """
        look = Look(**_in_tree(packlist.look, tree=str(self.built.tree), kept=self.listed.kept))
        locked_ns = lock_file(self.built.path).stat().st_ctime_ns
        return replace(self, tree=look.fingerprint if look.changed_ns <= locked_ns else "")


def list_tree(tree: Path, *, exclude: Sequence[str], include: Sequence[str]) -> PackList:
    """Return what an exlist takes out of a tree, and what stays."""
    words = {"exclude": list(exclude), "include": list(include)}
    return PackList(**_in_tree(packlist.pack_list, tree=str(tree), **words))


def _in_tree(function: Callable[..., PackList | Look], **arguments: Any) -> dict[str, Any]:
    """Call one of packlist's functions where it may read the tree; return the fields of its answer."""
    if os.geteuid() == 0:
        return vars(function(**arguments))
    argv = [sys.executable, "-m", packlist.__name__, function.__name__]
    fields: dict[str, Any] = json.loads(run(argv, input=json.dumps(arguments), isolated=True).stdout)
    return fields
