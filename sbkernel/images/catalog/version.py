"""One packed image in the catalog: a directory that is named by what image.json says about it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sbkernel.packages.manifest import Manifest


ROOT = "root."
"""How the name of a packed root begins; how it ends says its format (images/pack/)."""
BESIDE = ("kernel", "initrd", "manifest.json")
"""The files of a version beside its root."""

CONTENT_LIST = "content.gz"
"""The file that says what every path of a version is that was packed in layers (images/pack/listing.py)."""

NOT_CONTENT = frozenset({"digest", "created", "by", "host", "made"})


class Root(NamedTuple):
    """A packed root of a version: its file's name there, sha256 in hex, size in bytes, dm-verity root hash or ""."""

    name: str
    sha256: str
    size: int
    verity: str


@dataclass(frozen=True)
class ImageVersion:
    """A published image; `data` is its image.json."""

    dir: Path
    data: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Return the name of this version: the sha256 of what image.json says apart from time, user and host."""
        return str(self.data["digest"])

    @property
    def image(self) -> str:
        """Return the name of the osimage it was packed from."""
        return str(self.data["image"])

    @cached_property
    def roots(self) -> tuple[Root, ...]:
        """Return the packed roots that a node mounts over each other, the bottom one first; mostly there is one."""
        files = self.data["files"]
        names = self.data.get("roots") or [next(name for name in files if name.startswith(ROOT))]
        return tuple(_root(str(name), files[name]) for name in names)

    @property
    def root(self) -> Path:
        """Return the packed root file system, of several the bottom one."""
        return self.dir / self.roots[0].name

    @property
    def kernel(self) -> Path:
        """Return the kernel."""
        return self.dir / "kernel"

    @property
    def initrd(self) -> Path:
        """Return the initrd."""
        return self.dir / "initrd"

    @property
    def layered(self) -> bool:
        """Tell whether it was packed in layers: others may stand on it, and its roots are served by their digests."""
        return CONTENT_LIST in self.data["files"]

    @property
    def roots_size(self) -> int:
        """Return the size of all its roots in bytes: what a node fetches."""
        return sum(root.size for root in self.roots)

    @property
    def root_sha256(self) -> str:
        """Return the sha256 of the packed root in hex."""
        return self.roots[0].sha256

    @property
    def root_size(self) -> int:
        """Return the size of the packed root in bytes."""
        return self.roots[0].size

    @property
    def unpacked_bytes(self) -> int:
        """Return what the root takes in the memory of a node that unpacks it; 0 if none does."""
        return int(self.data.get("unpacked", 0))

    @property
    def root_kinds(self) -> tuple[str, ...]:
        """Return the kinds of root that its initrd can make beside ram."""
        return tuple(self.data.get("rootkinds", ()))

    @property
    def key(self) -> str:
        """Return the id of the key in its initrd, whose signature a node asks for; "" if it asks for none."""
        return str(self.data.get("key", ""))

    @property
    def size_bytes(self) -> int:
        """Return the size of all its files."""
        return sum(int(facts["size"]) for facts in self.data["files"].values())

    @property
    def kernelver(self) -> str:
        """Return the kernel's version, or "" if the build did not record it."""
        return str(self.data["kernelver"])

    @property
    def packages(self) -> int:
        """Return how many packages are inside, 0 if that was not recorded."""
        return int(self.data.get("packages", 0))

    @property
    def created(self) -> float:
        """Return when it was published first, in seconds since the epoch."""
        return float(self.data["created"])

    @property
    def published(self) -> str:
        """Return when it was published first, for people; "?" for a time that no calendar has."""
        try:
            return datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        except (ValueError, OverflowError, OSError):
            return "?"

    @property
    def syncfiles(self) -> list[dict[str, Any]]:
        """Return the lines of synclists that are left for boot: clause, sources, destination, noderange, line.

        Sources are paths of the host where it was packed (`data["host"]`), which may be one of another site: whoever
        copies them must ask for a version that was packed here.
        """
        return list(self.data.get("syncfiles", []))

    @property
    def manifest(self) -> Manifest:
        """Return the packages inside."""
        # Most who ask for a version never look at its packages.
        from sbkernel.packages import manifest

        file = self.dir / "manifest.json"
        return manifest.from_json(file.read_text(), file)

    def damaged(self) -> list[str]:
        """Return the files whose content is no longer what image.json says."""
        facts = self.data["files"]
        return [name for name in facts if not file_facts(self.dir / name).items() <= facts[name].items()]


def _root(name: str, facts: Mapping[str, Any]) -> Root:
    return Root(name, str(facts["sha256"]), int(facts["size"]), str(facts.get("verity", "")))


def together(versions: Iterable[ImageVersion]) -> int:
    """Return the bytes that versions take on the disk, where those in layers share roots."""
    seen: set[str] = set()
    total = 0
    for version in versions:
        shared = {root.sha256: root.size for root in version.roots} if version.layered else {}
        total += version.size_bytes - sum(size for sha256, size in shared.items() if sha256 in seen)
        seen.update(shared)
    return total


def content_digest(data: Mapping[str, Any]) -> str:
    """Return the digest of an image: sha256 over its description as canonical JSON."""
    content = {key: value for key, value in data.items() if key not in NOT_CONTENT}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_facts(path: Path) -> dict[str, Any]:
    """Return the sha256 and the size in bytes of a file."""
    with path.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "size": os.fstat(stream.fileno()).st_size}
