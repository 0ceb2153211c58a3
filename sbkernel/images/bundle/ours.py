"""Our own bundle: written member by member, and read so that nothing is believed that was not summed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sbkernel.errors import BuildError
from sbkernel.images.bundle import seal
from sbkernel.images.bundle.description import (
    BUNDLE,
    FORMAT,
    IMAGE,
    LARGEST_TEXT,
    PLACE,
    SEALED,
    VERSION,
    Description,
    ListFile,
    as_json,
    check_image,
    read_environment,
    read_json,
    read_lists,
    read_osimage,
    summed,
)  # fmt: skip
from sbkernel.images.bundle.seal import Named, Seal
from sbkernel.images.bundle.tarfiles import END, PIECE, Member, Tar, header, padding
from sbkernel.images.catalog import signatures
from sbkernel.images.catalog.signatures import SIGNATURE, SUMS
from sbkernel.images.catalog.staging import Staging
from sbkernel.images.catalog.version import ImageVersion, Root, content_digest
from sbkernel.jobs.report import Report
from sbkernel.units import size


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


Sign = Callable[[bytes], bytes]
"""Returns the signature of a text."""


def parts(description: Description, version: ImageVersion, sign: Sign | None = None) -> list[Part]:
    """Return the members of a bundle in their order: what is needed to judge the rest comes first, the roots last.

    With `sign` it is sealed.
    """
    texts = [
        (BUNDLE, description.text(sealed=sign is not None), 0o644),
        (IMAGE, as_json(description.data), 0o644),
        *((one.member, one.content, one.mode) for one in description.lists),
        *((f"{VERSION}/{name}", text, 0o644) for name, text in signatures.read(version).items()),
    ]
    files = [
        Part(f"{VERSION}/{name}", version.dir / name, facts["size"], 0o644, facts["sha256"])
        for name, facts in _in_order(description)
    ]
    if sign is not None:
        text = seal.text_of(
            description.image, description.digest, _named(((name, found) for name, found, _ in texts), description)
        )
        texts += [(seal.SEAL, text, 0o644), (seal.SIGNATURE, sign(text), 0o644)]
    return [*(Part(name, text, len(text), mode) for name, text, mode in texts), *files]


def _in_order(description: Description) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the files of a version with their facts, its roots last."""
    roots = [root.name for root in ImageVersion(Path(), description.data).roots]
    names = [*sorted(name for name in description.files if name not in roots), *roots]
    return [(name, description.files[name]) for name in names]


def _named(texts: Iterable[tuple[str, bytes]], description: Description) -> list[Named]:
    """Return the members of a bundle as its seal names them."""
    first = [Named(name, hashlib.sha256(text).hexdigest(), len(text)) for name, text in texts]
    return first + [
        Named(f"{VERSION}/{name}", facts["sha256"], facts["size"]) for name, facts in _in_order(description)
    ]


def write(out: Sink, members: Sequence[Part], report: Report) -> None:
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
    """A bundle that is being read, from its beginning; making one reads and checks all that it says of itself.

    `signature` is that of the version, by the names of its files, and `seal` that of the whole bundle; whose they are
    is not looked at.
    """

    def __init__(self, tar: Tar) -> None:
        self._tar = tar
        self._members = iter(tar)
        self._ahead: Member | None = None
        self._texts: list[tuple[str, bytes]] = []
        said = read_json(self._text(BUNDLE), BUNDLE)
        if said.get("format") not in (FORMAT, SEALED):
            raise tar.error(f"it has format {said.get('format')!r}, and only {FORMAT} and {SEALED} are known here")
        text = self._text(IMAGE)
        data = read_json(text, IMAGE)
        check_image(data)
        if said != summed(said) or said.get(IMAGE) != hashlib.sha256(text).hexdigest():
            raise tar.error(f"{BUNDLE} or {IMAGE} in it was changed: its sha256 is another one")
        if (said.get("image"), said.get("digest")) != (data["image"], data["digest"]):
            raise tar.error("bundle.json and image.json are of different versions")
        lists = [self._list(name, one) for name, one in read_lists(said).items()]
        self.description = Description(data, read_osimage(said), lists, read_environment(said))
        signed = self._is_next(f"{VERSION}/{SUMS}")
        self.signature = {name: self._text(f"{VERSION}/{name}") for name in (SUMS, SIGNATURE)} if signed else {}
        self.seal = self._seal() if said["format"] == SEALED else None

    def renamed(self, name: str) -> Description:
        """Return the description under another name of the osimage; that is part of the content, so of the digest."""
        return replace(self.description, data=named(self.description.data, name))

    def stage(
        self, staged: Staging, report: Report, there: Sequence[ImageVersion] = (), *, signed: bool = True
    ) -> None:
        """Write all files of the version, each checked while it is written; BuildError for what was not announced.

        Unless it is `signed` its signature is left out, as under another name it is another version.
        Roots that versions in layers have already `there` are those files, as if it had been packed here.
        """
        for name, text in self.signature.items() if signed else ():
            (staged.path / name).write_bytes(text)
            staged.carry(name)
        known = {root.sha256: (version, root) for version in there if version.layered for root in version.roots}
        files, done = dict(self.description.files), 0
        total = sum(facts["size"] for facts in files.values())
        while (member := self._next()) is not None:
            place, _, name = member.name.removeprefix(f"{PLACE}/").partition("/")
            if member.kind != "file" or not member.name.startswith(f"{PLACE}/{VERSION}/") or place != VERSION:
                raise self._tar.error(f"it has a {member.kind} {member.name!r}, which no bundle has")
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

    def _next(self) -> Member | None:
        """Return the next member; None at the end."""
        found, self._ahead = self._ahead or next(self._members, None), None
        return found

    def _is_next(self, name: str) -> bool:
        """Tell whether a file comes next."""
        self._ahead = self._next()
        return self._ahead is not None and (self._ahead.name, self._ahead.kind) == (f"{PLACE}/{name}", "file")

    def _text(self, name: str) -> bytes:
        is_next, member = self._is_next(name), self._next()
        if member is None or not is_next:
            said = self._tar.error(f"it has no {PLACE}/{name} where a bundle has it")
            raise NoBundleError(said.message, hint=said.hint) if name == BUNDLE else said
        text = self._tar.content(member, LARGEST_TEXT)
        self._texts.append((name, text))
        return text

    def _seal(self) -> Seal:
        """Return the seal; BuildError if it is not of what was read, and of the files that image.json describes."""
        expected = seal.text_of(self.description.image, self.description.digest, _named(self._texts, self.description))
        found = Seal(self._text(seal.SEAL), self._text(seal.SIGNATURE))
        if found.text != expected:
            raise self._tar.error(f"{seal.SEAL} in it, which is signed, is of other members")
        return found

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
