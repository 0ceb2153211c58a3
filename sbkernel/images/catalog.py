"""The catalog: immutable images by digest, and names that point to them.

catalog/<digest>/{root.squashfs,kernel,initrd,manifest.json,image.json}   never changed once it is there
catalog/names/<image>.json                                                the pointer with its history
catalog/.tmp-*                                                            a packing in progress, locked by its process
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import NotFoundError
from sbkernel.files import in_turn, made, sync, write_whole
from sbkernel.images.pointer import NO_SOURCE, PUBLISH, ROLLBACK, Pointer, Publication, Source
from sbkernel.images.staging import Staging
from sbkernel.packages import manifest
from sbkernel.packages.manifest import Manifest
from sbkernel.site import Site

FILES = ("root.squashfs", "kernel", "initrd", "manifest.json")
NOT_CONTENT = frozenset({"digest", "created", "by", "host"})


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

    @property
    def root(self) -> Path:
        """Return the packed root file system."""
        return self.dir / "root.squashfs"

    @property
    def kernel(self) -> Path:
        """Return the kernel."""
        return self.dir / "kernel"

    @property
    def initrd(self) -> Path:
        """Return the initrd."""
        return self.dir / "initrd"

    @property
    def root_sha256(self) -> str:
        """Return the sha256 of the packed root in hex."""
        return str(self.data["files"]["root.squashfs"]["sha256"])

    @property
    def root_size(self) -> int:
        """Return the size of the packed root in bytes."""
        return int(self.data["files"]["root.squashfs"]["size"])

    @property
    def kernelver(self) -> str:
        """Return the kernel's version, or "" if the build did not record it."""
        return str(self.data["kernelver"])

    @property
    def created(self) -> float:
        """Return when it was published first, in seconds since the epoch."""
        return float(self.data["created"])

    @property
    def manifest(self) -> Manifest:
        """Return the packages inside."""
        file = self.dir / "manifest.json"
        return manifest.from_json(file.read_text(), file)

    def damaged(self) -> list[str]:
        """Return the files whose content is no longer what image.json says."""
        facts = self.data["files"]
        return [name for name in FILES if file_facts(self.dir / name) != facts[name]]


class Catalog:
    """The catalog of a site."""

    def __init__(self, site: Site) -> None:
        self.path = site.catalog
        self.names = self.path / "names"

    def current(self, image: str) -> ImageVersion:
        """Return the version an image's name points to; NotFoundError if it was never packed."""
        digest = self.pointer(image).digest
        if not digest:
            raise NotFoundError(f"No packed image for {image}", hint=f"run packimage: sb packimage {image}")
        return self.get(digest)

    def get(self, digest: str) -> ImageVersion:
        """Return a version by its digest; NotFoundError if the catalog has none."""
        directory = self.path / digest
        try:
            return ImageVersion(directory, json.loads((directory / "image.json").read_text()))
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(f"no image {digest} in the catalog {self.path}") from None

    def history(self, image: str) -> list[Publication]:
        """Return every move of an image's name, newest first."""
        return list(reversed(self.pointer(image).history))

    def pointer(self, image: str) -> Pointer:
        """Return what an image's name points to; a name that was never published points nowhere."""
        try:
            return Pointer.from_json(json.loads((self.names / f"{image}.json").read_text()))
        except FileNotFoundError:
            return Pointer(image)

    @contextlib.contextmanager
    def staging(self) -> Iterator[Staging]:
        """Make a directory to pack into, removed at the end unless it was published; remove those of the dead."""
        with self._locked():
            self._sweep()
            directory = Path(tempfile.mkdtemp(prefix=f".tmp-{os.getpid()}-", dir=self.path))
            owner = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(owner, fcntl.LOCK_EX)
        try:
            with ThreadPoolExecutor() as beside:
                yield Staging(directory, beside)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            os.close(owner)

    def publish(self, staged: Staging, content: Mapping[str, Any], source: Source = NO_SOURCE) -> ImageVersion:
        """Publish a staged directory to which FILES were added, and point `content["image"]` at it.

        `content` describes the image without time, user and host; "files" is added here. Until the last rename
        nothing is visible; the same content published again is the version that is already there.
        """
        described = {**content, "files": {name: staged.facts[name] for name in FILES}}
        digest = content_digest(described)
        origin = {"digest": digest, "created": time.time(), "by": getpass.getuser(), "host": socket.gethostname()}
        staged.close("image.json", json.dumps({**described, **origin}, indent=1, sort_keys=True) + "\n")
        with self._locked():
            if not (self.path / digest).exists():
                staged.path.rename(self.path / digest)
                sync(self.path)
            self._move(content["image"], digest, PUBLISH, source)
        return self.get(digest)

    def point(self, image: str, digest: str, action: str = PUBLISH, source: Source = NO_SOURCE) -> ImageVersion:
        """Point an image's name at a version that is in the catalog."""
        version = self.get(digest)
        with self._locked():
            self._move(image, digest, action, source)
        return version

    def rollback(self, image: str) -> ImageVersion:
        """Point an image's name at the version before; NotFoundError if there is none."""
        previous = self.pointer(image).previous
        if not previous:
            raise NotFoundError(f"image {image} has no version to go back to", hint="only one was ever published")
        return self.point(image, previous, ROLLBACK)

    def _move(self, image: str, digest: str, action: str, source: Source) -> None:
        who, where = getpass.getuser(), socket.gethostname()
        entry = Publication(digest, time.time(), who, where, action, source.inputs, source.tree)
        pointer = self.pointer(image).moved(entry)
        text = json.dumps(pointer.as_json(), indent=1) + "\n"
        write_whole(made(self.names) / f"{image}.json", text, durable=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Take turns at changing the catalog; held for an instant only."""
        with in_turn(self.path / ".lock"):
            yield

    def _sweep(self) -> None:
        for directory in self.path.glob(".tmp-*"):
            owner = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
            os.close(owner)
        for leftover in self.names.glob(".*.json.*"):
            leftover.unlink(missing_ok=True)


def content_digest(data: Mapping[str, Any]) -> str:
    """Return the digest of an image: sha256 over its description as canonical JSON."""
    content = {key: value for key, value in data.items() if key not in NOT_CONTENT}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_facts(path: Path) -> dict[str, Any]:
    """Return the sha256 and the size in bytes of a file."""
    with path.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "size": os.fstat(stream.fileno()).st_size}
