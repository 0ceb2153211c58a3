"""Our own bundle: written member by member, and read so that nothing is believed that was not summed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sbkernel.errors import BuildError
from sbkernel.images.bundle.description import (
    BUNDLE,
    IMAGE,
    LARGEST_TEXT,
    PLACE,
    VERSION,
    Description,
    ListFile,
    as_json,
    check_image,
    read_json,
    read_lists,
    read_osimage,
    summed,
)  # fmt: skip
from sbkernel.images.bundle.tarfiles import BLOCK, END, PIECE, Tar, header, padding
from sbkernel.images.catalog.signatures import SIGNATURE as SUMS_SIGNATURE
from sbkernel.images.catalog.signatures import SUMS
from sbkernel.images.catalog.staging import Staging
from sbkernel.images.catalog.version import ImageVersion, Root, content_digest
from sbkernel.jobs.report import Report
from sbkernel.units import size

SIGNATURE = (SUMS, SUMS_SIGNATURE)
"""Files of a version that image.json does not describe."""


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""


class Part(NamedTuple):
    """A member to be written: its name below PLACE, its content or its file, size in bytes, mode, sha256 of a file."""

    name: str
    source: bytes | Path
    size: int
    mode: int = 0o644
    sha256: str = ""


def parts(description: Description, version: ImageVersion) -> list[Part]:
    """Return the members of a bundle in their order: what is needed to judge the rest comes first, the roots last."""
    texts = [(BUNDLE, description.text()), (IMAGE, as_json(description.data))]
    found = [Part(name, text, len(text)) for name, text in texts]
    found += [Part(one.member, one.content, len(one.content), one.mode) for one in description.lists]
    signature = [version.dir / name for name in SIGNATURE if (version.dir / name).is_file()]
    found += [Part(f"{VERSION}/{file.name}", data, len(data)) for file in signature for data in (file.read_bytes(),)]
    roots = [root.name for root in version.roots]
    names = [*sorted(name for name in description.files if name not in roots), *roots]
    facts = description.files
    found += [
        Part(f"{VERSION}/{one}", version.dir / one, facts[one]["size"], 0o644, facts[one]["sha256"]) for one in names
    ]
    return found


def bundle_size(members: list[Part]) -> int:
    """Return the bytes of a bundle."""
    return sum(BLOCK + part.size + len(padding(part.size)) for part in members) + len(END)


def write(out: Sink, members: list[Part], report: Report) -> None:
    """Write a bundle; BuildError if a file of the version is damaged."""
    done, total = 0, sum(part.size for part in members)
    with report.phase("write the bundle", total=total):
        for part in members:
            out.write(header(f"{PLACE}/{part.name}", part.size, part.mode))
            for piece in [part.source] if isinstance(part.source, bytes) else _summed(part, part.source):
                out.write(piece)
                done += len(piece)
                report.progress(done, total, size(done))
            out.write(padding(part.size))
        out.write(END)


def _summed(part: Part, file: Path) -> Iterator[bytes]:
    digest, count = hashlib.sha256(), 0
    with file.open("rb", buffering=0) as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
            count += len(piece)
            yield piece
    if count != part.size or digest.hexdigest() != part.sha256:
        raise BuildError(
            f"{file} is damaged: its content is no longer what image.json says",
            hint="export another version, or pack the image again: sb packimage --force",
        )


class NoBundleError(BuildError):
    """A tar archive that does not begin as a bundle does."""


class Bundle:
    """A bundle that is being read, from its beginning; making one reads and checks all that it says of itself."""

    def __init__(self, tar: Tar) -> None:
        self._tar = tar
        self._members = iter(tar)
        said = read_json(self._text(BUNDLE), BUNDLE)
        if said.get("format") != 1:
            raise tar.error(f"it has format {said.get('format')!r}, and only 1 is known here")
        text = self._text(IMAGE)
        data = read_json(text, IMAGE)
        check_image(data)
        if said != summed(said) or said.get(IMAGE) != hashlib.sha256(text).hexdigest():
            raise tar.error(f"{BUNDLE} or {IMAGE} in it was changed: its sha256 is another one")
        if (said.get("image"), said.get("digest")) != (data["image"], data["digest"]):
            raise tar.error("bundle.json and image.json are of different versions")
        lists = [self._list(name, one) for name, one in read_lists(said).items()]
        self.description = Description(data, read_osimage(said), lists)

    def renamed(self, name: str) -> Description:
        """Return the description under another name of the osimage; that is part of the content, so of the digest."""
        return replace(self.description, data=named(self.description.data, name))

    def stage(self, staged: Staging, report: Report, there: Sequence[ImageVersion] = ()) -> None:
        """Write all files of the version, each checked while it is written; BuildError for what was not announced.

        Roots that versions in layers have already `there` are those files, as if it had been packed here.
        """
        known = {root.sha256: (version, root) for version in there if version.layered for root in version.roots}
        files, done = dict(self.description.files), 0
        total = sum(facts["size"] for facts in files.values())
        for member in self._members:
            place, _, name = member.name.removeprefix(f"{PLACE}/").partition("/")
            if member.kind != "file" or not member.name.startswith(f"{PLACE}/{VERSION}/") or place != VERSION:
                raise self._tar.error(f"it has a {member.kind} {member.name!r}, which no bundle has")
            if name in SIGNATURE and not (staged.path / name).exists():
                (staged.path / name).write_bytes(self._tar.content(member, LARGEST_TEXT))
                staged.carry(name)
                continue
            facts = files.pop(name, None)
            if facts is None or facts["size"] != member.size:
                raise self._tar.error(f"{member.name} comes twice, or is not what image.json describes")
            if not _linked(staged, name, facts, known):
                self._stage(staged, name, facts, report, done, total)
            done += member.size
        if files:
            raise self._tar.error(f"it lacks {', '.join(sorted(files))}")

    def _stage(
        self, staged: Staging, name: str, facts: Mapping[str, Any], report: Report, done: int, total: int
    ) -> None:
        digest = hashlib.sha256()
        with (staged.path / name).open("xb", buffering=0) as file:
            for piece in self._tar.chunks():
                digest.update(piece)
                _write_all(file, piece)
                done += len(piece)
                report.progress(done, total, size(done))
        if digest.hexdigest() != facts["sha256"]:
            raise self._tar.error(f"{name} in it has another sha256 than image.json says")
        staged.add(name, facts)

    def _text(self, name: str) -> bytes:
        member = next(self._members, None)
        if member is None or member.name != f"{PLACE}/{name}" or member.kind != "file":
            said = self._tar.error(f"it has no {PLACE}/{name} where a bundle has it")
            raise NoBundleError(said.message, hint=said.hint) if name == BUNDLE else said
        return self._tar.content(member, LARGEST_TEXT)

    def _list(self, name: str, one: Mapping[str, Any]) -> ListFile:
        content = self._text(name)
        if hashlib.sha256(content).hexdigest() != one["sha256"]:
            raise self._tar.error(f"{name} in it has another sha256 than bundle.json says")
        return ListFile(one["attribute"], one["number"], one["path"], one["mode"], content)


def _linked(
    staged: Staging, name: str, facts: Mapping[str, Any], known: Mapping[str, tuple[ImageVersion, Root]]
) -> bool:
    """Take a root that is here already along, if it is the same in all that is said of it; tell whether."""
    if facts["sha256"] not in known:
        return False
    version, root = known[facts["sha256"]]
    if version.data["files"][root.name] != facts:
        return False
    try:
        staged.link(name, version, root)
    except FileNotFoundError:  # it was collected meanwhile
        return False
    return True


def named(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an image.json of another osimage."""
    renamed = {**data, "image": name}
    return {**renamed, "digest": content_digest(renamed)}


def _write_all(file: Any, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
