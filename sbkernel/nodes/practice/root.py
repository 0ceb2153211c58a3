"""The root that a simulated machine boots: what is fetched of the published image, and what that takes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

_RAM, _LAZY, _DISK = "ram", "lazy", "disk"
_UNPACKED = "tmpfs"
SECONDS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "tmpfs": {"mounted": (2, 5)},
    "zram": {"mounted": (6, 15)},
    _LAZY: {"fetched": (0.3, 1), "verified": (0, 0.1), "userspace": (8, 18)},
    _DISK: {"fetched": (5, 20)},
}
"""How long stages take that are not as with a packed root in memory, at least and at most."""
LAZY_SHARE = (0.2, 0.3)
"""How much of a root a system reads until it is up: of a Debian image of 164 MB, 39 MB were read."""


@dataclass(frozen=True)
class Packed:
    """A packed root, or a layer over it, as the command line of the kernel names it."""

    url: str
    size: int
    sha256: str
    verity: str = ""


@dataclass(frozen=True)
class Root:
    """All that a machine's root is made of; `disks` are the layouts of local disks."""

    kind: str
    parts: tuple[Packed, ...]
    unpacked: int = 0
    disks: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return the bytes of all parts."""
        return sum(part.size for part in self.parts)

    @property
    def reads_on_demand(self) -> bool:
        """Tell whether blocks are fetched when they are read."""
        return self.kind == _LAZY

    @property
    def on_disk(self) -> bool:
        """Tell whether the parts are kept on a local disk."""
        return self.kind == _DISK

    @property
    def checked_when_read(self) -> bool:
        """Tell whether dm-verity finds what is wrong, and not a sum of the whole."""
        return bool(self.parts) and all(part.verity for part in self.parts)

    def missing(self, kept: Collection[str]) -> Sequence[Packed]:
        """Return what has to be fetched whole, given the sha256 of what a local disk holds."""
        if self.reads_on_demand:
            return ()
        return [part for part in self.parts if not (self.on_disk and part.sha256 in kept)]

    @property
    def memory_bytes(self) -> int:
        """Return what stays of it in memory; an archive is unpacked there whatever the kind."""
        if self.reads_on_demand or self.on_disk:
            return 0
        return self.unpacked if self.unpacked and (self.kind == _UNPACKED or self._is_archive) else self.size

    @property
    def _is_archive(self) -> bool:
        name = self.parts[0].url.partition("?")[0].rpartition("/")[2] if self.parts else ""
        return self.kind == _RAM and (".cpio." in name or ".tar." in name)


def root_of(words: Sequence[str]) -> Root:
    """Return the root that the words of a kernel's command line name (netboot/bootplan.py writes them)."""
    pairs = [(name, value) for name, _equals, value in (word.partition("=") for word in words)]
    said = dict(pairs)
    url = said.get("imgurl", "")
    bottom = Packed(
        url, _count(said, "sbkernel.size"), said.get("sbkernel.sha256", ""), said.get("sbkernel.verity", "")
    )
    layers = [_layer(url, value) for name, value in pairs if name == "sbkernel.layer"]
    disks = tuple(value for name, value in pairs if name == "sbkernel.disk")
    return Root(said.get("sbkernel.root", _RAM), (bottom, *layers), _count(said, "sbkernel.unpacked"), disks)


def is_kept(layout: str, there: Collection[str]) -> bool:
    """Tell whether a layout of a disk stays as it is: it was made, and its rule is not to wipe it."""
    return layout in there and layout.split(",")[2:3] != ["wipe"]


def _layer(url: str, word: str) -> Packed:
    name, size, sha256, verity = (*word.split(","), "", "", "")[:4]
    file = f"{sha256}.{name.rpartition('.')[2]}"
    return Packed(urljoin(url, file), int(size) if size.isdigit() else 0, sha256, verity)


def _count(said: Mapping[str, str], name: str) -> int:
    value = said.get(name, "")
    return int(value) if value.isdigit() else 0
