"""The bundle in a container image, wherever a tool has put it: OCI archive or layout, docker-archive, skopeo's dir.

A container of somebody else is no image that nodes boot: what it lacks is said.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from sbkernel.errors import BuildError
from sbkernel.images.bundle.description import LARGEST_TEXT
from sbkernel.images.bundle.oci import LABEL
from sbkernel.images.bundle.tarfiles import PIECE, Tar
from sbkernel.images.pack.compressors import ENVIRONMENT, compressor_of
from sbkernel.jobs.order import is_sha256
from sbkernel.jobs.run import PIPE, end
from sbkernel.jobs.spawn import spawn_here


class Store(Protocol):
    """The files of a container image by name."""

    def open(self, name: str) -> IO[bytes] | None:
        """Open a file; None if there is none of that name."""


class Found(NamedTuple):
    """What the description of a container names: its configuration, its bottom layer, and how many layers it has."""

    config: str
    bottom: str
    layers: int


@contextmanager
def bottom_layer(path: Path) -> Iterator[tuple[IO[bytes], list[str]]]:
    """Yield the bottom layer of a container image as a tar, and remarks. BuildError for what is none."""
    with _opened(path) as store:
        found = _found(path, store)
        config = _json(path, store, found.config)
        labels = (config.get("config") or {}).get("Labels") or {} if isinstance(config.get("config"), dict) else {}
        written = labels.get(f"{LABEL}.layers") if isinstance(labels, dict) else None
        added = "layers were added to the container or taken away: the version is as it was exported"
        with _tar(path, store, found.bottom) as stream:
            yield stream, [added] if written != str(found.layers) else []


def foreign(path: Path) -> BuildError:
    """Return the error for a container that does not hold an image of ours."""
    return BuildError(
        f"{path.name} is a container image, but none of sb export-image: it has no kernel, no initrd, no packed root",
        hint="nodes boot what genimage and packimage make of an osimage",
    )


@contextmanager
def _opened(path: Path) -> Iterator[Store]:
    if path.is_dir():
        yield Directory(path)
        return
    with path.open("rb") as stream:
        yield Archive(path, stream)


class Directory:
    """A layout, or what skopeo writes for dir:."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str) -> IO[bytes] | None:
        """Open a file below the directory, as a manifest may name any other; no link is followed."""
        if not name or Path(name).is_absolute() or ".." in Path(name).parts or not (self._path / name).is_file():
            return None
        with suppress(FileNotFoundError):
            return os.fdopen(os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        return None


class Archive:
    """The members of a tar, read where they lie."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._stream = stream
        self._members: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        for member in (tar := Tar(path.name, stream)):
            if member.name in self._members:
                raise tar.error(f"{member.name} comes twice")
            if member.kind == "file":
                self._members[member.name] = (stream.tell(), member.size)
            elif "link" in member.kind:
                self._links[member.name] = os.path.normpath(Path(member.name).parent / member.target)

    def open(self, name: str) -> IO[bytes] | None:
        """Open a member, or the one that a link of an old docker-archive names."""
        found = self._members.get(self._links.get(name, name))
        return None if found is None else io.BufferedReader(Slice(self._stream, *found), PIECE)


class Slice(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, stream: IO[bytes], begin: int, count: int) -> None:
        self._stream, self._begin, self._count, self._at = stream, begin, count, 0

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the part."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._count}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read on, up to the end of the part."""
        self._stream.seek(self._begin + self._at)
        piece = self._stream.read(max(0, min(len(buffer), self._count - self._at)))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _found(path: Path, store: Store) -> Found:
    if store.open("index.json"):
        entries = _json(path, store, "index.json").get("manifests")
        if not isinstance(entries, list) or len(entries) != 1:
            raise BuildError(f"{path.name} holds several container images, or none", hint="copy one of them by skopeo")
        return _manifest(path, store, f"blobs/sha256/{_hex(path, entries[0])}", "blobs/sha256/")
    if store.open("manifest.json"):
        return _manifest(path, store, "manifest.json", "")
    raise BuildError(
        f"{path.name} is no bundle and no container image",
        hint="sb import-image reads what sb export-image, xCAT's imgexport and skopeo write",
    )


def _manifest(path: Path, store: Store, name: str, blobs: str) -> Found:
    """Read a manifest: that of OCI and of Docker's registries, or the list of a docker-archive."""
    said = _json(path, store, name)
    if "Layers" in said:
        layers = said["Layers"]
        if isinstance(layers, list) and layers and isinstance(layers[0], str):
            return Found(str(said.get("Config")), layers[0], len(layers))
    layers = said.get("layers")
    if not isinstance(layers, list) or not layers:
        raise foreign(path)
    config, bottom = (_hex(path, one) for one in (said.get("config"), layers[0]))
    return Found(f"{blobs}{config}", f"{blobs}{bottom}", len(layers))


def _hex(path: Path, descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    kind, _, found = str(digest).partition(":")
    if kind != "sha256" or not is_sha256(found):
        raise BuildError(f"{path.name}: {digest!r} is no sha256", hint="nothing was imported; copy it again by skopeo")
    return found


def _json(path: Path, store: Store, name: str) -> Mapping[str, Any]:
    source = store.open(name)
    text = source.read(LARGEST_TEXT) if source else b""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise BuildError(
            f"{path.name}: its {name} is missing or cannot be read", hint="nothing was imported; copy it again"
        )
    return found


@contextmanager
def _tar(path: Path, store: Store, name: str) -> Iterator[IO[bytes]]:
    source = store.open(name)
    if source is None:
        raise BuildError(
            f"{path.name}: its layer {name} is missing", hint="nothing was imported; copy it again by skopeo"
        )
    with source:
        compressor = compressor_of(source.read(8))
        source.seek(0)
        if compressor is None:
            yield source
            return
        process = spawn_here(compressor.undo_argv(), env=ENVIRONMENT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101 - asked for above
        with ThreadPoolExecutor(1) as beside:
            beside.submit(_feed, source, process.stdin)
            try:
                yield process.stdout
            finally:
                end(process)


def _feed(source: IO[bytes], target: IO[bytes]) -> None:
    with suppress(BrokenPipeError, ValueError), target:
        while piece := source.read(PIECE):
            target.write(piece)
