"""pkglist and otherpkglist: the packages of an image, in passes (grammar: imgutils::get_package_names of xCAT)."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, as_warnings, in_order, refuse_errors, shown
from sbkernel.lists.document import Document
from sbkernel.lists.entries import ListEntry, PackageGrammar, entries, env_assignments, look_at_entry
from sbkernel.lists.include import TextReader, splice


@dataclasses.dataclass(frozen=True, slots=True)
class Pass:
    """One run of the package manager: its environment, and what it removes first, installs, and removes last.

    An entry of `packages` is a name, name=version, subdir/name or @group, as written in the file.
    """

    packages: tuple[str, ...] = ()
    pre_remove: tuple[str, ...] = ()
    post_remove: tuple[str, ...] = ()
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def remove(self) -> tuple[str, ...]:
        """Return all that the pass removes. In the pkglist of a stateless image xCAT ignores these entries."""
        return (*self.pre_remove, *self.post_remove)

    def and_then(self, other: Pass) -> Pass:
        """Return both as one pass."""
        return Pass(
            _unique((*self.packages, *other.packages)),
            _unique((*self.pre_remove, *other.pre_remove)),
            _unique((*self.post_remove, *other.post_remove)),
            {**self.env, **other.env},
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Pkglist:
    """All passes, all entries with their places, and what is wrong or odd. Two lists are equal if their passes are."""

    passes: tuple[Pass, ...] = ()
    entries: tuple[ListEntry, ...] = dataclasses.field(default=(), compare=False, repr=False)
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    documents: tuple[Document, ...] = dataclasses.field(default=(), compare=False, repr=False)

    @property
    def packages(self) -> tuple[str, ...]:
        """Return the packages of all passes, each once, in order."""
        return _unique(name for one in self.passes for name in one.packages)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the lines that a build should log."""
        return as_warnings(self.diagnostics)

    def listed(self, name: str) -> ListEntry | None:
        """Return the first entry that names a package."""
        return next((one for one in self.entries if one.kind == "install" and one.name == name), None)

    def render(self) -> str:
        """Return the text of the files, byte for byte as they were read."""
        return "".join(document.render() for document in self.documents)


def parse(text: str, file: str = "pkglist", *, kind: str = "pkglist", read: TextReader | None = None) -> Pkglist:
    """Parse the text of one list, without raising. Without `read`, includes are left out."""
    document = Document.parse(text, file)
    spliced = splice(document, PackageGrammar(), read)
    found = tuple(entries(spliced.parts))
    diagnostics = [*spliced.diagnostics, *(note for entry in found for note in look_at_entry(entry, kind))]
    return Pkglist(_used(_passes(found)), found, in_order([*diagnostics, *_duplicates(found)]), (document,))


def read(paths: Sequence[Path | str], kind: str = "pkglist") -> Pkglist:
    """Read list files. As in xCAT, pass n of one file is installed together with pass n of the others.

    Raises NotFoundError if a file is missing. Faults inside the files are in the diagnostics.
    """
    texts = [(str(path), files.text_of(Path(path), kind)) for path in paths]
    return _join([parse(text, file, kind=kind, read=files.read_text) for file, text in texts])


def load(paths: Sequence[Path | str], kind: str = "pkglist") -> Pkglist:
    """Read list files as `read` does. Raises ListFileError for the first error in them."""
    loaded = read(paths, kind)
    refuse_errors(loaded.diagnostics)
    return loaded


def compose(passes: Iterable[Pass]) -> str:
    """Return the text of a list with these passes."""
    return "#NEW_INSTALL_LIST#\n".join("".join(f"{line}\n" for line in _pass_lines(one)) for one in passes)


def _pass_lines(one: Pass) -> list[str]:
    words = [f"{key}={shlex.quote(value) if value else ''}" for key, value in one.env.items()]
    env = [f"#ENV:{' '.join(words)}#"] if words else []
    return [*env, *(f"-{n}" for n in one.pre_remove), *one.packages, *(f"--{n}" for n in one.post_remove)]


def _passes(found: Iterable[ListEntry]) -> list[Pass]:
    groups: list[list[ListEntry]] = [[]]
    for entry in found:
        if entry.kind == "pass":
            groups.append([])
        else:
            groups[-1].append(entry)
    return [_pass(group) for group in groups]


def _pass(group: Sequence[ListEntry]) -> Pass:
    def names(kind: str) -> tuple[str, ...]:
        return _unique(entry.name for entry in group if entry.kind == kind and entry.name)

    env = {key: value for one in names("env") for key, value in (env_assignments(one) or {}).items()}
    return Pass(names("install"), names("pre_remove"), names("post_remove"), env)


def _used(passes: Iterable[Pass]) -> tuple[Pass, ...]:
    return tuple(one for one in passes if one != Pass())


def _duplicates(found: Iterable[ListEntry]) -> Iterator[Diagnostic]:
    first: dict[str, ListEntry] = {}
    for entry in found:
        if entry.kind != "install":
            continue
        before = first.setdefault(entry.name, entry)
        if before is not entry:
            yield entry.note("info", f"{shown(entry.name)} is already listed at {before.where}", "Remove one of them.")


def _join(parsed: Sequence[Pkglist]) -> Pkglist:
    each = [_passes(one.entries) for one in parsed]
    joined = [Pass()] * max(map(len, each), default=0)
    for passes in each:
        for number, one in enumerate(passes):
            joined[number] = joined[number].and_then(one)
    found = tuple(entry for one in parsed for entry in one.entries)
    diagnostics = in_order([*(note for one in parsed for note in one.diagnostics), *_duplicates(found)])
    return Pkglist(_used(joined), found, diagnostics, tuple(document for one in parsed for document in one.documents))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
