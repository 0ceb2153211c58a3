"""Edit the lists of an osimage: `lists.of(site, image).pkglist.add("tmux")`.

A shipped file is never changed. The first edit copies it to <installdir>/custom/netboot/<distro>/<image>.* and makes
the osimage name the copy. The journal has that change, and `undo` takes the whole edit back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.lists import change, exlist, kinds, own, pkglist, writing
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.lists.document import Document
from sbkernel.lists.exlist import Exlist
from sbkernel.lists.pkglist import Pkglist
from sbkernel.lists.text import paths_of, text_of
from sbkernel.lists.writing import Edited
from sbkernel.site import Site

editor: Callable[[ListFiles], Any] | None = None
"""What `edit` opens. sbkernel.workbench puts its widget here, because this room must not import notebooks."""


@dataclasses.dataclass(frozen=True)
class ListFiles:
    """The list files that one attribute of an osimage names."""

    site: Site
    image: str
    attribute: str

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the files, in order."""
        return tuple(paths_of(self.site.osimages[self.image].get(self.attribute)))

    @property
    def path(self) -> Path:
        """Return the file that edits go to: the first that is not shipped, else the first; it may not exist yet."""
        mine = [path for path in self.files if not own.is_shipped(self.site, path)]
        return next(iter((*mine, *self.files)), own.own_path(self.site, self.image, self.attribute))

    @property
    def text(self) -> str:
        """Return the text of `path`; empty if the osimage names no list."""
        return text_of(self.path, self.attribute) if self.files else ""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what is wrong or odd in the files and in what they include."""
        return kinds.read(self.attribute, self.files).diagnostics

    def check(self, text: str) -> tuple[Diagnostic, ...]:
        """Return what would be wrong with `path` if it had this text; nothing is written."""
        return kinds.parse(self.attribute, text, str(self.path)).diagnostics

    def write(self, text: str, *, over: str | None = None) -> Edited:
        """Replace the whole text of `path`, even if there are remarks on it.

        With `over`, raises DefinitionError if that is not the present text: somebody else has changed it.
        """

        def decide(documents: list[Document]) -> dict[int, str]:
            number = self._position(documents)
            before = documents[number].render() if documents else ""
            if over is not None and before != over:
                raise DefinitionError(f"somebody else has changed {self.path}", hint="Nothing was written.")
            return {number: text} if text != before else {}

        return self._change(decide)

    def _position(self, documents: list[Document]) -> int:
        """Return the position of the file that edits go to."""
        return next((n for n, document in enumerate(documents) if document.file == str(self.path)), 0)

    def undo(self) -> Edited:
        """Take back the last edit; a second call brings it back. Raises DefinitionError if others have changed it."""
        return writing.undo(self.site, self.image, self.attribute)

    def edit(self) -> Any:
        """Open a text area with live remarks in a notebook. Without a front end, show the text and its remarks."""
        if editor is None:
            raise DefinitionError("there is an editor only in notebooks", hint="import sbkernel.workbench")
        return editor(self)

    def _change(self, decide: writing.Decide) -> Edited:
        return writing.change(self.site, self.image, self.attribute, decide)


class PackageFiles(ListFiles):
    """A pkglist or otherpkglist."""

    @property
    def parsed(self) -> Pkglist:
        """Return what all files say together."""
        return pkglist.read(self.files, self.attribute)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the packages that are listed, also in included files."""
        return self.parsed.packages

    def add(self, *names: str) -> Edited:
        """Add packages after the last one of the first pass; those that are already listed stay where they are.

        Raises DefinitionError for what is not a package name.
        """
        for name in names:
            change.check_package(name, self.attribute)
        wanted = dict.fromkeys(names)

        def decide(documents: list[Document]) -> dict[int, str]:
            missing = [name for name in wanted if name not in self.names]
            number = self._position(documents)
            before = documents[number] if documents else Document("", ())
            return {number: change.with_packages(before, missing).render()} if missing else {}

        return self._change(decide)

    def remove(self, *names: str) -> Edited:
        """Remove packages wherever the files name them. Raises NotFoundError for a package that is not listed.

        Raises DefinitionError for a package of an included file, which other lists may include as well.
        """

        def decide(documents: list[Document]) -> dict[int, str]:
            _refuse_absent(self.parsed, names, {document.file for document in documents}, self.attribute)
            changed = [change.without_packages(document, names) for document in documents]
            return _differing(documents, changed)

        return self._change(decide)


class PatternFiles(ListFiles):
    """An exlist."""

    @property
    def parsed(self) -> Exlist:
        """Return what all files say together."""
        return exlist.read(self.files)

    def add(self, *patterns: str) -> Edited:
        """Add patterns to leave out or, with a leading +, to keep. Raises DefinitionError for one without effect."""
        for pattern in patterns:
            change.check_pattern(pattern)

        def decide(documents: list[Document]) -> dict[int, str]:
            there = {(rule.keep, rule.pattern) for rule in self.parsed.rules}
            missing = [pattern for pattern in dict.fromkeys(patterns) if change.normal(pattern) not in there]
            number = self._position(documents)
            before = documents[number] if documents else Document("", ())
            return {number: change.with_patterns(before, missing).render()} if missing else {}

        return self._change(decide)

    def remove(self, *patterns: str) -> Edited:
        """Remove patterns from the files. Raises NotFoundError for a pattern that is not listed."""

        def decide(documents: list[Document]) -> dict[int, str]:
            there = {(rule.keep, rule.pattern) for rule in self.parsed.rules}
            for pattern in patterns:
                if change.normal(pattern) not in there:
                    raise NotFoundError(f"no exlist of osimage {self.image} has {pattern}")
            return _differing(documents, [change.without_patterns(document, patterns) for document in documents])

        return self._change(decide)


def _refuse_absent(parsed: Pkglist, names: Iterable[str], own_files: set[str], attribute: str) -> None:
    for name in names:
        entries = [entry for entry in parsed.entries if entry.kind == "install" and entry.name == name]
        if not entries:
            raise NotFoundError(f"no {attribute} lists {name}", hint=_near(name, parsed.packages))
        strange = [entry for entry in entries if entry.line.file not in own_files]
        if strange:
            raise DefinitionError(
                f"{name} comes from an included file, {strange[0].where}",
                hint=f"Edit that file, or the include in {strange[0].line.trace[-1]}.",
            )


def _near(name: str, names: Iterable[str]) -> str | None:
    import difflib

    near = difflib.get_close_matches(name, list(names), n=3)
    return f"did you mean {' or '.join(near)}?" if near else None


def _differing(before: list[Document], after: list[Document]) -> dict[int, str]:
    pairs = enumerate(zip(before, after, strict=True))
    return {number: new.render() for number, (old, new) in pairs if new != old}


@dataclasses.dataclass(frozen=True)
class ImageLists:
    """The lists of one osimage."""

    site: Site
    image: str

    @property
    def pkglist(self) -> PackageFiles:
        """Return the packages of the distribution."""
        return PackageFiles(self.site, self.image, "pkglist")

    @property
    def otherpkglist(self) -> PackageFiles:
        """Return the packages from the site's own repositories."""
        return PackageFiles(self.site, self.image, "otherpkglist")

    @property
    def exlist(self) -> PatternFiles:
        """Return what packimage leaves out."""
        return PatternFiles(self.site, self.image, "exlist")

    @property
    def synclists(self) -> ListFiles:
        """Return the lists of files to synchronise."""
        return ListFiles(self.site, self.image, "synclists")


def of(site: Site, image: str) -> ImageLists:
    """Return the lists of an osimage. Raises NotFoundError if it does not exist."""
    return ImageLists(site, site.osimages[image].name)
