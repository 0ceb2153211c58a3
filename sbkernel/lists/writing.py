"""Write an edit of list files: copies of shipped files, the attribute and the backup, all or nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sbkernel import files
from sbkernel.definitions.listpaths import rebase_includes
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.lists import backup
from sbkernel.lists.backup import Backup, FileBefore, text_digest, text_or_none
from sbkernel.lists.document import Document
from sbkernel.lists.own import is_shipped, named_by, own_path
from sbkernel.lists.text import encoded, paths_of, text_of
from sbkernel.site import Site

Decide = Callable[[list[Document]], Mapping[int, str]]
"""Return new texts by position in the given files; without files, position 0 makes the first one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did: the files before and after, the copies it made, and the other osimages it changes."""

    image: str
    attribute: str
    texts: tuple[tuple[Path, str | None, str | None], ...] = ()
    """Path, and the text before and after; None if there is no file."""
    copied: tuple[tuple[Path, Path], ...] = ()
    """Shipped file and its copy."""
    shared_with: tuple[str, ...] = ()
    back: str | None = None
    """The value of the attribute after an edit was taken back."""

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def diff(self) -> list[str]:
        """Return the added and removed lines, with + and -. A copy is compared with what was copied."""
        lines = []
        for _, before, after in self.texts:
            if self.back is not None and None in (before, after):
                continue
            rows = difflib.unified_diff((before or "").splitlines(), (after or "").splitlines(), n=0, lineterm="")
            lines += [row for row in list(rows)[2:] if not row.startswith("@@")]
        return lines

    def __str__(self) -> str:
        if not self:
            return "nothing to do"
        said = [f"{own} is a copy of {shipped}; osimage {self.image} now uses it" for shipped, own in self.copied]
        said += [f"also changes osimage {name}, which uses the same file" for name in self.shared_with]
        said += [f"{self.attribute}={self.back}"] if self.back is not None else []
        return "\n".join([*self.diff, *said])


@dataclasses.dataclass(frozen=True, slots=True)
class _Target:
    """One file of the attribute: its path, the path that an edit goes to, and its text."""

    source: Path
    path: Path
    text: str

    @property
    def moves(self) -> bool:
        return self.source != self.path


def change(site: Site, image: str, attribute: str, decide: Decide) -> Edited:
    """Edit the files of an attribute as `decide` says, in one step that happens as a whole or not at all.

    Raises DefinitionError if another file is where a copy should go, or if somebody changes the osimage meanwhile.
    """
    with _locked(site):
        value = site.osimages[image].get(attribute)
        targets = [_target(site, image, attribute, n, path) for n, path in enumerate(paths_of(value), start=1)]
        new = decide([Document.parse(text_of(target.source, attribute), str(target.source)) for target in targets])
        targets = targets or [_first(site, image, attribute)]
        edits = [(targets[number], text) for number, text in new.items()]
        if not edits:
            return Edited(image, attribute)
        _check_places(site, image, attribute, [target for target, _ in edits])
        return _write(site, image, attribute, value, targets, edits)


def _target(site: Site, image: str, attribute: str, number: int, path: Path) -> _Target:
    text = text_of(path, attribute)
    if not is_shipped(site, path):
        return _Target(path, path, text)
    return _Target(path, own_path(site, image, attribute, number), text)


def _first(site: Site, image: str, attribute: str) -> _Target:
    return _Target(Path(), own_path(site, image, attribute), "")


def _check_places(site: Site, image: str, attribute: str, targets: Sequence[_Target]) -> None:
    """Refuse to overwrite a file that no edit of this list has made: somebody may need it."""
    last = backup.load(own_path(site, image, attribute))
    for target in targets:
        ours = last is not None and last.made(target.path)
        there = text_or_none(target.path) if target.moves and not ours else None
        if there is not None and there != _rebased(target, target.text, attribute):
            raise DefinitionError(
                f"{target.path} already exists and differs from {target.source}",
                hint=f"sb chdef -t osimage {image} {attribute}=… makes the osimage use it; or move it away.",
            )


def _rebased(target: _Target, text: str, attribute: str) -> str:
    rebase = target.moves and target.source.name and attribute != "synclists"
    return rebase_includes(text, target.source.parent) if rebase else text


def _write(
    site: Site,
    image: str,
    attribute: str,
    value: str,
    targets: Sequence[_Target],
    edits: Sequence[tuple[_Target, str]],
) -> Edited:
    moved = {target for target, _ in edits if target.moves}
    after = ",".join(str(target.path if target in moved else target.source) for target in targets)
    texts = [(target, text_or_none(target.path), _rebased(target, text, attribute)) for target, text in edits]
    last = backup.load(own_path(site, image, attribute))
    # A file that an edit left when `sb undo` took it back counts as missing, so that undo removes it.
    leftover = {target.path for target in moved if last is not None and last.made(target.path)}
    rows = (
        FileBefore(target.path, None if target.path in leftover else before, text_digest(text))
        for target, before, text in texts
    )
    record = Backup(value, after if moved else value, tuple(rows))
    _apply(site, image, attribute, record, {target.path: text for target, _, text in texts})
    return Edited(
        image,
        attribute,
        tuple((target.path, target.text if target.moves else before, text) for target, before, text in texts),
        tuple((target.source, target.path) for target in moved if target.source.name),
        tuple(name for target, _ in edits for name in named_by(site, target.path, but=image)),
    )


def _apply(site: Site, image: str, attribute: str, record: Backup, texts: Mapping[Path, str | None]) -> None:
    """Write the backup, the files, and last the attribute; if that fails, restore the files."""
    own = own_path(site, image, attribute)
    with _readable_errors(), contextlib.ExitStack() as undo:
        files.made(own.parent)
        backup.save(own, record)
        for path, text in texts.items():
            undo.callback(_put, path, text_or_none(path))
            if text is not None:
                _put(path, text)
        if record.attribute_after != record.attribute_before:
            site.change("osimage", {image: _swapped(image, attribute, record)}, f"edit {attribute}")
        undo.pop_all()
    for path, text in texts.items():
        if text is None:
            path.unlink(missing_ok=True)


def _swapped(image: str, attribute: str, record: Backup) -> Callable[[dict[str, str]], dict[str, str]]:
    def change(values: dict[str, str]) -> dict[str, str]:
        if values.get(attribute, "") != record.attribute_before:
            raise DefinitionError(f"somebody else has changed osimage {image}.", hint="Nothing was written.")
        return {attribute: record.attribute_after}

    return change


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
        return
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    files.made(path.parent)
    files.write_whole(path.resolve(), encoded(text), mode=mode, durable=True)


def undo(site: Site, image: str, attribute: str) -> Edited:
    """Take back the last edit of a list; a second call brings it back. Raises DefinitionError if others changed it."""
    with _locked(site):
        last = backup.load(own_path(site, image, attribute))
        if last is None:
            raise DefinitionError(f"there is no edit of the {attribute} of osimage {image} to take back")
        value = site.osimages[image].get(attribute)
        _refuse_changed(image, attribute, last, value)
        now = {one.path: text_or_none(one.path) for one in last.files}
        rows = tuple(FileBefore(one.path, now[one.path], text_digest(one.before)) for one in last.files)
        _apply(
            site, image, attribute, Backup(value, last.attribute_before, rows), {o.path: o.before for o in last.files}
        )
        texts = tuple((one.path, now[one.path], one.before) for one in last.files)
        return Edited(image, attribute, texts, back=last.attribute_before)


def _refuse_changed(image: str, attribute: str, last: Backup, value: str) -> None:
    changed = next((one.path for one in last.files if not one.untouched), None)
    if changed is not None:
        raise DefinitionError(f"{changed} was changed since that edit", hint="Edit it by hand.")
    if value not in (last.attribute_after, last.attribute_before):
        said = f"the {attribute} of osimage {image} was changed since that edit"
        raise DefinitionError(said, hint="`sb history` shows who did it; `sb undo` takes changes of definitions back.")


@contextlib.contextmanager
def _locked(site: Site) -> Iterator[None]:
    with files.in_turn(site.run / "lists.lock"):
        yield


@contextlib.contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SbkernelError(f"{error.filename}: {error.strerror}", hint="Nothing was changed.") from error
