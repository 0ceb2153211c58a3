"""Read what the rules of a change look at: packages as files, and packages in a tree that is there."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath

from sbkernel.errors import BuildError
from sbkernel.images.families.change_rules import Entry, World
from sbkernel.images.families.debian import records
from sbkernel.images.families.debian.change_rules import SCRIPTS, Part
from sbkernel.images.families.resolved import Resolved
from sbkernel.jobs.run import run
from sbkernel.packages.readers.deb import dpkg

_CONTROL = (*SCRIPTS, "triggers", "conffiles", "templates", "config")
_LISTED = re.compile(r"(\S{10}) (\S+)\s+(?:\d+|\d+,\s*\d+) \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? \.(/.*)")
_INFO = "var/lib/dpkg/info"
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


class Tree:
    """The package database of a tree, read once."""

    def __init__(self, tree: Path) -> None:
        self.path = tree
        # In a tree that an ordinary user has built root has another number.
        self._root = (tree.lstat().st_uid, tree.lstat().st_gid)
        self._merged = {name for name in _MERGED if (tree / name).is_symlink()}

    def read(self) -> None:
        """Read what world() looks at: all lists and scripts."""
        _ = self._lists, self._scripts

    @cached_property
    def _info(self) -> Mapping[str, Mapping[str, Path]]:
        """Return by package and kind the files that dpkg keeps."""
        found: dict[str, dict[str, Path]] = defaultdict(dict)
        for file in (self.path / _INFO).iterdir():
            package, _, kind = file.name.rpartition(".")
            found[package.partition(":")[0]][kind] = file
        return found

    @cached_property
    def _lists(self) -> Mapping[str, Sequence[bytes]]:
        """Return by package the lines of its list of paths."""
        files = {name: kinds["list"] for name, kinds in self._info.items() if "list" in kinds}
        return {name: file.read_bytes().split(b"\n") for name, file in files.items()}

    @cached_property
    def _scripts(self) -> Mapping[str, str]:
        """Return by package the text of all its scripts."""
        return {name: "\n".join(_texts(kinds, SCRIPTS).values()) for name, kinds in self._info.items()}

    def spelt(self, path: str) -> PurePosixPath:
        """Return a path as it is in the tree, where /bin and its like are links into /usr."""
        return PurePosixPath(f"/usr{path}" if path[1:].partition("/")[0] in self._merged else path or "/")

    def _lines(self, path: PurePosixPath) -> Iterator[bytes]:
        """Yield the lines that stand for a path of the tree in a list."""
        text = str(path)
        yield os.fsencode("/." if text == "/" else text)
        if text.startswith("/usr/") and text[5:].partition("/")[0] in self._merged:
            yield os.fsencode(text[4:])

    def _record(self, name: str) -> records.Record:
        """Return what dpkg has noted of a package."""
        texts = (self.path / dpkg.STATUS).read_text(errors="replace").split("\n\n")
        likely = (records.fields(text) for text in reversed(texts) if f"Package: {name}\n" in text)
        return next((record for record in likely if record.get("Package") == name), {})

    def entry(self, path: PurePosixPath) -> Entry | None:
        """Return what is at a path."""
        with suppress(FileNotFoundError, NotADirectoryError):
            status = os.lstat(self.path / path.relative_to("/"))
            owner = "0/0" if (status.st_uid, status.st_gid) == self._root else f"{status.st_uid}/{status.st_gid}"
            return Entry(stat.filemode(status.st_mode), owner)
        return None

    def part(self, name: str) -> Part:
        """Return a package that is installed."""
        lines = (os.fsdecode(line).removeprefix("/.") for line in self._lists[name] if line)
        found = {path: self.entry(path) for path in map(self.spelt, lines)}
        control = _texts(self._info[name], _CONTROL)
        base = records.is_base(self._record(name))
        return Part(name, {path: entry for path, entry in found.items() if entry}, control, base)

    def world(self, parts: Iterable[Part], changed: Collection[str]) -> World:
        """Return the rest of the tree, as far as it matters to these packages; `changed` are the names of all."""
        wanted = {path for part in parts for path in part.entries}
        listed = {line: path for path in wanted for line in self._lines(path)}
        owners: dict[PurePosixPath, set[str]] = defaultdict(set)
        for name, lines in self._lists.items():
            for line in listed.keys() & lines:
                owners[listed[line]].add(name)
        there = {path: entry for path in wanted if (entry := self.entry(path)) is not None}
        mine = [path for path, entry in there.items() if entry.is_dir and owners[path] <= set(changed)]
        below = {
            path: frozenset(path / one.name for one in (self.path / path.relative_to("/")).iterdir()) for path in mine
        }
        scripts = "\n".join(text for name, text in self._scripts.items() if name not in changed)
        return World(
            {path: frozenset(names) for path, names in owners.items()},
            there, below, self._interests(), self._special(), scripts,
        )  # fmt: skip

    def _interests(self) -> list[tuple[str, str]]:
        lines = self._read("var/lib/dpkg/triggers/File").splitlines()
        return [
            (str(self.spelt(words[0])), words[1].partition("/")[0].partition(":")[0]) for words in map(str.split, lines)
        ]

    def _special(self) -> frozenset[PurePosixPath]:
        diverted = self._read("var/lib/dpkg/diversions").splitlines()
        overridden = [line.split(" ", 3)[-1] for line in self._read("var/lib/dpkg/statoverride").splitlines()]
        return frozenset(self.spelt(path) for path in (*diverted, *overridden) if path.startswith("/"))

    def _read(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return (self.path / name).read_text(errors="surrogateescape")
        return ""


def part_of(package: Resolved, archive: Path, tree: Tree) -> Part:
    """Return a package that is a file, with its paths as they are in a tree."""
    listed = run(["dpkg-deb", "--contents", archive]).stdout.splitlines()
    entries = dict(_entry(line, tree) for line in listed)
    with tempfile.TemporaryDirectory() as place:
        run(["dpkg-deb", "--control", archive, place])
        control = _texts({file.name: file for file in Path(place).iterdir()}, _CONTROL)
    return Part(package.name, entries, control, records.is_base(records.fields(package.record)))


def _entry(line: str, tree: Tree) -> tuple[PurePosixPath, Entry]:
    """Return a path of a listing; BuildError for one that is not written as it is: tar(1) escapes odd names."""
    match = _LISTED.fullmatch(line)
    if match is None or "\\" in line:
        raise BuildError(f"what is this path: {line}")
    mode = match[1]
    path = match[3].partition(" -> " if mode.startswith("l") else " link to ")[0]
    return tree.spelt(path.rstrip("/")), Entry(f"-{mode[1:]}" if mode.startswith("h") else mode, _ids(match[2]))


def _ids(owner: str) -> str:
    """Return the owner in a listing as numbers; other names than root are left as they are, and equal nothing."""
    return "0/0" if owner == "root/root" else owner


def _texts(files: Mapping[str, Path], kinds: Iterable[str]) -> dict[str, str]:
    """Return the text of each kind of file that is there."""
    return {kind: files[kind].read_text(errors="replace") for kind in kinds if kind in files}
