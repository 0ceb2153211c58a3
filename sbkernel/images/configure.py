"""What makes a tree of packages a stateless node's root: the files laid into it and the script run in it. Pure."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sbkernel.images import apt_sources
from sbkernel.images.apt_sources import Source

VERSION = 1


def files(template: Mapping[str, bytes], fstab: str, sources: Sequence[Source]) -> dict[str, bytes]:
    """Return the files to lay into a tree, by path below it: the template's, its fstab and its package sources."""
    usable = apt_sources.render(filter(apt_sources.reachable_by_nodes, sources))
    return {**template, "etc/fstab": fstab.encode(), "etc/apt/sources.list.d/image.sources": usable.encode()}


def archive(contents: Mapping[str, bytes], epoch: int) -> bytes:
    """Return files as a tar archive owned by root and dated `epoch`; tar never writes through a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(data), 0o644, epoch
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def keyrings(sources: Sequence[Source]) -> list[Path]:
    """Return the keyring files that sources are signed by: their packages may not be in the image."""
    words = [word for source in sources for word in source.option("Signed-By").split()]
    return [Path(word) for word in dict.fromkeys(words) if word.startswith("/")]
