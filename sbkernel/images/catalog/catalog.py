"""The catalog: immutable images by digest, and names that point to them.

catalog/<digest>/{root.*,kernel,initrd,manifest.json,image.json}   never changed once it is there
catalog/layers/<sha256>.<format>                                   roots that may stand in several versions
catalog/names/<image>.json                                         the pointers with their history
catalog/.tmp-*                                                     a packing in progress, locked by its process
catalog/.gone-*                                                    a version that is being removed
catalog/.lock                                                      whose turn it is to change any of this
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sbkernel.definitions.validate import check_name
from sbkernel.errors import BuildError, NotFoundError
from sbkernel.files import hold, in_turn, made, sync, write_whole
from sbkernel.images.catalog import digests, staging
from sbkernel.images.catalog.gates import gate_of
from sbkernel.images.catalog.pointers import (
    CANDIDATE,
    CURRENT,
    NO_SOURCE,
    PREVIOUS,
    PROMOTE,
    PUBLISH,
    ROLLBACK,
    Move,
    Pointers,
    Source,
)  # fmt: skip
from sbkernel.images.catalog.reference import Reference, parse, resolve
from sbkernel.images.catalog.staging import Staging
from sbkernel.images.catalog.version import ImageVersion, content_digest
from sbkernel.jobs.origin import signed
from sbkernel.site import Site


class Catalog:
    """The catalog of a site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.path = site.catalog
        self.names = self.path / "names"

    def images(self) -> list[str]:
        """Return the image names that something was published under, sorted."""
        return sorted(file.stem for file in self.names.glob("[!.]*.json"))

    def versions(self, image: str = "") -> list[ImageVersion]:
        """Return the versions that are there, of one image or of all, the one packed last first."""
        found = [version for version in self._versions() if image in ("", version.image)]
        names = {name: self.pointers(name) for name in {version.image for version in found}}

        def packed(version: ImageVersion) -> float:
            move = names[version.image].last(version.digest, PUBLISH)
            return move.t if move else version.created

        return sorted(found, key=packed, reverse=True)

    def current(self, image: str) -> ImageVersion:
        """Return the version that nodes boot; NotFoundError if none was packed or promoted."""
        return self.find(Reference(image))

    def find(self, reference: str | Reference) -> ImageVersion:
        """Return the version that a word such as IMAGE@previous names (see reference.py). NotFoundError."""
        asked = parse(reference) if isinstance(reference, str) else reference
        pointers = self.pointers(asked.image)
        if asked.kind == CURRENT and pointers.current:
            with contextlib.suppress(NotFoundError):
                return self.get(pointers.current)
        there = [version.digest for version in self.versions(asked.image)]
        damaged = {move.digest for move in pointers.history} - {*there, *pointers.gone}
        return self.get(resolve(asked, pointers, [*there, *sorted(damaged)]))

    def get(self, digest: str) -> ImageVersion:
        """Return a version by its digest; NotFoundError if the catalog has none, or if its image.json is damaged."""
        file = self.path / digest / "image.json"
        try:
            data = json.loads(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(f"no image {digest} in the catalog {self.path}") from None
        except ValueError:
            data = None
        if not isinstance(data, dict) or not {"digest", "image", "files", "created"} <= set(data):
            raise NotFoundError(f"{file} is damaged", hint="sb packimage --force IMAGE publishes the same anew")
        return ImageVersion(file.parent, data)

    def history(self, image: str) -> list[Move]:
        """Return all that happened to an image's name, newest first."""
        return list(reversed(self.pointers(image).history))

    def pointers(self, image: str) -> Pointers:
        """Return what an image's name points to; a name that was never published points nowhere."""
        try:
            found = Pointers.from_json(json.loads(self._file(image).read_text()))
        except FileNotFoundError:
            return Pointers(image)
        except (ValueError, KeyError, TypeError, AttributeError):
            hint = f"move it away: its versions stay, and sb promote {image}@DIGEST makes one of them current"
            raise BuildError(f"{self._file(image)} is damaged", hint=hint) from None
        digests = {move.digest for move in found.history}
        return replace(found, gone=frozenset(digest for digest in digests if not self._has(digest)))

    @contextlib.contextmanager
    def using(self, reference: str | Reference) -> Iterator[ImageVersion]:
        """Find a version and keep it for a block, in which something is made that refers to it. NotFoundError.

        Nobody collects it meanwhile; and a collection that began before sees that it has been asked for.
        """
        with self.turn():
            version = self.find(reference)
            self.note_use([version.digest])
            held = hold(version.dir / "image.json", shared=True)
        try:
            yield version
        finally:
            os.close(held)

    def note_use(self, digests: Iterable[str]) -> None:
        """Note that nodes may be fetching these versions from now on: the time stamp of its directory says so."""
        now = time.time_ns()
        for digest in digests:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.path / digest, ns=(now, now))

    @contextlib.contextmanager
    def staging(self, key: str = "") -> Iterator[Staging]:
        """Make a directory to pack into, removed at the end unless it was published; remove those of the dead.

        With a `key`, go on with what a killed process has left under it.
        """
        with self.turn():
            self.sweep(key)
            directory, owner = staging.make(self.path, key)
        try:
            with ThreadPoolExecutor() as beside:
                yield Staging(directory, beside)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            os.close(owner)

    def publish(
        self,
        staged: Staging,
        content: Mapping[str, Any],
        source: Source = NO_SOURCE,
        *,
        gated: bool = False,
        origin: Mapping[str, Any] | None = None,
        sign: Callable[[ImageVersion], None] | None = None,
    ) -> ImageVersion:
        """Publish a staged directory, with a root and all BESIDE it, as the candidate of `content["image"]`.

        `content` describes the image without time, user and host; "files" is added here. Until the last rename
        nothing is visible; the same content published again is the version that is already there. It becomes what
        nodes boot, too, unless it is `gated`, the image has a gate, or a rollback holds the version before. `origin` is
        what image.json says beside its content: how it came to be ("made", images/provenance/made.py), and of a version
        that was made elsewhere when, by whom and where. Of what is published again, only the history of the name tells
        who did so. `sign` may put files of its own beside image.json.
        """
        described = {**content, "files": dict(staged.facts)}
        digest = content_digest(described)
        here = {"created": time.time(), "by": getpass.getuser(), "host": socket.gethostname()}
        said = {**described, **here, **(origin or {}), "digest": digest}
        version = ImageVersion(staged.path, said)
        if sign:
            sign(version)
        staged.close("image.json", json.dumps(said, indent=1, sort_keys=True) + "\n")
        with self.turn():
            if not self._is_whole(digest):
                with contextlib.suppress(FileNotFoundError):  # its image.json is damaged; gc removes it
                    (self.path / digest).rename(self.path / f".gone-{digest}-{os.getpid()}")
                if version.layered:
                    digests.serve(self.path, version)
                staged.path.rename(self.path / digest)
                sync(self.path)
            self._packed(content["image"], digest, source, gated)
            return self.get(digest)

    def publish_again(
        self, image: str, digest: str, source: Source = NO_SOURCE, *, gated: bool = False
    ) -> ImageVersion | None:
        """Publish a version that the catalog has already, as if it had just been packed; None if it is gone."""
        with self.turn():
            if not self._is_whole(digest):
                return None
            self._packed(image, digest, source, gated)
            return self.get(digest)

    def promote(self, reference: str | Reference, reason: str = "") -> ImageVersion:
        """Make a version what nodes boot, of a mere image name the candidate; ends what a rollback holds.

        The `reason` is kept. Whether a gate lets it through is for the caller to know (rollout/versions/promote.py).
        """
        asked = parse(reference) if isinstance(reference, str) else reference
        wanted = asked if asked.version else Reference(asked.image, CANDIDATE)
        return self._move(wanted, PROMOTE, Pointers.promoted, reason)

    def rollback(self, reference: str | Reference) -> ImageVersion:
        """Make a version what nodes boot, of a mere image name the one before, and hold it until a promotion."""
        asked = parse(reference) if isinstance(reference, str) else reference
        return self._move(asked if asked.version else Reference(asked.image, PREVIOUS), ROLLBACK, Pointers.rolled_back)

    def turn(self) -> AbstractContextManager[int]:
        """Take turns at changing the catalog; held for an instant only."""
        return in_turn(self.path / ".lock")

    def sweep(self, keep: str = "") -> None:
        """Remove what killed packings have left, but not under the key `keep`. Call it in turn."""
        staging.sweep(self.path, keep)
        for leftover in self.names.glob(".*.json.*"):
            leftover.unlink(missing_ok=True)

    def _packed(self, image: str, digest: str, source: Source, gated: bool) -> None:
        before = self.pointers(image)
        gated = gated or bool(gate_of(self._site, image))
        self._write(before, before.published(_move(digest, PUBLISH, source), gated=gated))

    def _move(
        self, asked: Reference, action: str, moved: Callable[[Pointers, Move], Pointers], reason: str = ""
    ) -> ImageVersion:
        with self.turn():
            version = self.find(asked)
            before = self.pointers(asked.image)
            self._write(before, moved(before, replace(_move(version.digest, action), reason=reason)))
        return version

    def _write(self, before: Pointers, after: Pointers) -> None:
        if after != before:
            made(self.names)
            write_whole(self._file(after.image), json.dumps(after.as_json(), indent=1) + "\n", durable=True)

    def _file(self, image: str) -> Path:
        return self.names / f"{check_name('osimage', image)}.json"

    def _has(self, digest: str) -> bool:
        return (self.path / digest / "image.json").is_file()

    def _is_whole(self, digest: str) -> bool:
        with contextlib.suppress(NotFoundError):
            return bool(self.get(digest))
        return False

    def _versions(self) -> Iterator[ImageVersion]:
        for file in self.path.glob("[!.]*/image.json"):
            with contextlib.suppress(NotFoundError):
                yield self.get(file.parent.name)


def _move(digest: str, action: str, source: Source = NO_SOURCE) -> Move:
    return Move(digest=digest, action=action, inputs=source.inputs, tree=source.tree, **signed())
