"""The sources of an image as files that apt on a node reads, and the keys that they are signed by (sources.list(5))."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sbkernel.images.families.debian.sources import AptSource, reachable_by_nodes, render

_SOURCES = "etc/apt/sources.list.d/image.sources"
_KEYRINGS = "etc/apt/keyrings"
_OF_PACKAGES = ("/usr/share/keyrings/", "/etc/apt/")
"""Where distributions keep their keyrings, on this host as on a node."""


def laid(chosen: Iterable[AptSource]) -> dict[str, bytes]:
    """Return the sources that nodes can reach; keys that lie elsewhere on this host get a place of their own."""
    usable = list(filter(reachable_by_nodes, chosen))
    moved = {
        str(key): f"{_KEYRINGS}/image-{number}{key.suffix}"
        for number, key in enumerate((key for key in keyrings(usable) if not _of_packages(key)), start=1)
    }
    files = {place: Path(key).read_bytes() for key, place in moved.items() if Path(key).is_file()}
    return {_SOURCES: render(_with_keys(one, moved) for one in usable).encode(), **files}


def laid_if_missing(chosen: Iterable[AptSource]) -> dict[str, bytes]:
    """Return the keyrings of packages that sources are signed by."""
    found = (path for path in keyrings(chosen) if _of_packages(path) and path.is_file())
    return {str(path).lstrip("/"): path.read_bytes() for path in found}


def _of_packages(key: Path) -> bool:
    return str(key).startswith(_OF_PACKAGES)


def _with_keys(one: AptSource, moved: Mapping[str, str]) -> AptSource:
    def there(name: str, value: str) -> str:
        if name != "Signed-By" or "\n" in value:
            return value
        return " ".join(f"/{moved[word]}" if word in moved else word for word in value.split())

    return replace(one, options=tuple((name, there(name, value)) for name, value in one.options))


def keyrings(chosen: Iterable[AptSource]) -> Sequence[Path]:
    """Return the keyring files that sources are signed by, each once."""
    words = [word for source in chosen for word in source.option("Signed-By").split()]
    return [Path(word) for word in dict.fromkeys(words) if word.startswith("/")]
