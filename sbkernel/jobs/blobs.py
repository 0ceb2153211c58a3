"""Files by the sha256 of their content: how inputs travel to a job, and artefacts back."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from sbkernel.errors import JobError, NotFoundError
from sbkernel.files import made, writing
from sbkernel.jobs.order import is_sha256
from sbkernel.site import Site

CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """A stream of bytes, as far as it is needed to keep them."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; b"" at the end."""


class Blobs:
    """A directory of files named by their digest, the sha256 of their content in hex.

    A file appears whole, is closed to others and read-only, and is checked whenever it is read.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put(self, source: Path | bytes) -> str:
        """Keep a copy of a file, or of bytes, and return its digest; what is there already is not written again."""
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if not self._holds(digest):
                stream.seek(0)
                self.receive(stream, digest)
        return digest

    def receive(self, stream: Readable, digest: str) -> None:
        """Keep what comes from a stream; JobError, and nothing kept, when it does not have the digest."""
        place = self._place(digest)
        made(self.directory, 0o700)
        content = hashlib.sha256()
        with writing(place, mode=0o400) as file:
            while chunk := stream.read(CHUNK_BYTES):
                content.update(chunk)
                file.write(chunk)
            if content.hexdigest() != digest:
                raise JobError(f"what came as {digest} is damaged: its sha256 is {content.hexdigest()}")

    def path(self, digest: str) -> Path:
        """Return the file of a digest, checked; NotFoundError when there is none, JobError when it is damaged."""
        place = self._place(digest)
        try:
            found = _sha256(place)
        except FileNotFoundError:
            raise NotFoundError(f"{self.directory} has no file {digest}") from None
        if found != digest:
            raise JobError(f"{place} is damaged: its sha256 is {found}", hint="remove it, and put it there again")
        return place

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those of the digests that are not there, or damaged; reads the files."""
        return [digest for digest in digests if not self._holds(digest)]

    def _holds(self, digest: str) -> bool:
        try:
            return _sha256(self._place(digest)) == digest
        except FileNotFoundError:
            return False

    def _place(self, digest: str) -> Path:
        if not is_sha256(digest):  # it becomes part of a path
            raise JobError(f"{digest!r} is no sha256 in hex")
        return self.directory / digest


class Originals(Blobs):
    """Files by their digest where they lie, beside those of a directory: of what is sent, no copy is made first."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._files: dict[str, Path] = {}

    def add(self, file: Path) -> str:
        """Return the digest of a file, which has to stay as it is."""
        digest = _sha256(file)
        self._files[digest] = file
        return digest

    def path(self, digest: str) -> Path:
        """Return the file of a digest, checked; JobError when somebody has changed it since it was added."""
        file = self._files.get(digest)
        if file is None:
            return super().path(digest)
        if not self._holds(digest):
            raise JobError(f"{file} has changed since the build began", hint="build again")
        return file

    def _place(self, digest: str) -> Path:
        return self._files.get(digest) or super()._place(digest)


def inputs_of(site: Site) -> Blobs:
    """Return where a site keeps the inputs of its orders: in its cache, since they can be put there again."""
    return Blobs(site.cache / "blobs")


def artefacts_of(job: Path) -> Blobs:
    """Return where the artefacts of a job are kept: in its directory, with which they go."""
    return Blobs(job / "artefacts")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
