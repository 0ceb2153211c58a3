"""Put a definition and its lists in place: decided first, so that a conflict is told before anything is written.

Lists go below <installdir>/custom only, whatever a bundle says: what else lies there, such as the keys that
nodes trust, is no list.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sbkernel.definitions.clone import LISTS, sharing_rootimgdir
from sbkernel.definitions.listpaths import platform
from sbkernel.definitions.validate import check_name, check_values
from sbkernel.errors import DefinitionError
from sbkernel.files import in_turn, made, writing
from sbkernel.images.bundle.description import FSTAB, ListFile
from sbkernel.images.bundle.portable import ENVIRONMENT, INSTALLDIR, absent, content, elements, here
from sbkernel.images.bundle.tarfiles import PIECE
from sbkernel.images.catalog.version import file_facts
from sbkernel.images.families.places import shown
from sbkernel.site import Site

_OTHERWISE = "--as NAME imports it under another name, --keep leaves what is here, --force replaces it"


@dataclass(frozen=True)
class How:
    """How an image is taken over.

    Another `name` avoids what is here already, `force` replaces it, `keep` leaves it. With another name the profile is
    that name, too, unless `profile` is given. `gated` keeps what nodes boot; `unsigned` takes what nobody has signed,
    `allow_older` a version that is older than one that is here.
    """

    name: str = ""
    profile: str = ""
    force: bool = False
    keep: bool = False
    gated: bool = True
    unsigned: bool = False
    allow_older: bool = False


@dataclass(frozen=True)
class Lay:
    """A file to write, and whether one with another content is there, which is kept as PATH.ORIG.

    `content` is a file where it may be large.
    """

    path: Path
    content: bytes | Path
    mode: int
    there: bool = False

    @property
    def sha256(self) -> str:
        """Return the sha256 of the content, which may lie in a file of any size."""
        if isinstance(self.content, Path):
            return str(file_facts(self.content)["sha256"])
        return hashlib.sha256(self.content).hexdigest()

    def write(self) -> None:
        """Put the content in its place."""
        with writing(self.path, mode=self.mode, durable=True) as file:
            if isinstance(self.content, bytes):
                file.write(self.content)
                return
            with self.content.open("rb") as source:
                shutil.copyfileobj(source, file, PIECE)


@dataclass(frozen=True)
class Laying:
    """What is to be done: files to write, and the new values of the osimage; None when it stays as it is.

    `remarks` say what of the bundle does not fit here.
    """

    name: str
    values: Mapping[str, str] | None
    files: Sequence[Lay] = ()
    remarks: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing changes."""
        return self.values is None and not self.files

    @property
    def said(self) -> list[str]:
        """Return what is done, a line each."""
        lines = [f"{one.path}{', the old one kept as .ORIG' if one.there else ''}" for one in self.files]
        return [*lines, *([f"defined osimage {self.name}"] if self.values is not None else [])]


def plan_laying(
    site: Site,
    image: str,
    osimage: Mapping[str, str] | None,
    lists: Sequence[ListFile],
    how: How,
    environment: Sequence[str] = (),
) -> Laying:
    """Return what would be written. DefinitionError, and nothing is changed, for what is here and differs.

    `environment` are variables that were left out: their values here stay.
    """
    name = check_name("osimage", how.name or image)
    defined = site.osimages[name].attributes if name in site.osimages else None
    if osimage is None or (how.keep and defined is not None):
        return Laying(name, None)
    targets = {(one.attribute, one.number): _target(site, name, osimage, one, how) for one in lists}
    values = _values(site, name, osimage, targets, how)
    remarks = _fit(site, name, values, defined or {}, environment)
    differing = _differing(dict(defined), values) if defined is not None else []
    files = [lay for one in lists if (lay := _lay(targets[one.attribute, one.number], one))]
    _refuse(f"osimage {name} is here already, and differs", [*differing, *_others(files)], how)
    check_values("osimage", name, values, values)
    _check_lists(osimage, lists)
    if tree := values.get("rootimgdir"):
        for other in sharing_rootimgdir(site.store.objects("osimage"), tree, name):
            raise DefinitionError(f"osimage {other} is built in {tree} already", hint="--as NAME gives it its own")
    changed = values if defined is None or differing else None
    if any(one.attribute == "synclists" for one in lists):
        remarks.append("synclists: the files that they name are not in the bundle")
    return Laying(name, changed, _once(files), remarks if changed is not None or files else ())


def _fit(
    site: Site, name: str, values: dict[str, str], defined: Mapping[str, str], environment: Sequence[str]
) -> list[str]:
    """Make values those of this site where a bundle cannot know them; return what does not fit here."""
    remarks = []
    # A bundle holds no password of a mirror: the one that is here stays.
    values |= {key: old for key, old in defined.items() if old != values.get(key) == shown(old)}
    if environment and ENVIRONMENT in defined:
        values.setdefault(ENVIRONMENT, defined[ENVIRONMENT])
    elif environment:
        pairs = ",".join(f"{one}=VALUE" for one in environment)
        remarks.append(f"{ENVIRONMENT} is not in the bundle: sb chdef -t osimage {name} {ENVIRONMENT}={pairs}")
    tree = values.get("rootimgdir", "")
    if tree and tree != defined.get("rootimgdir") and not Path(tree).is_relative_to(site.installdir):
        del values["rootimgdir"]
        remarks.append(f"rootimgdir={tree} was a place of another site, and is left out: genimage takes its default")
    return [*remarks, *absent(values)]


def with_more(laying: Laying, more: Sequence[Lay], how: How) -> Laying:
    """Return a laying with files that no attribute names. DefinitionError for what is here and differs."""
    if folder := next((one.path for one in more if one.path.is_dir()), None):
        raise DefinitionError(f"{folder} is a directory here, and a file in the bundle", hint="nothing was imported")
    wanted = [one for one in more if not (how.keep and one.there)]
    _refuse("files of the bundle are here already, and differ", _others(wanted), how)
    return replace(laying, files=_once([*laying.files, *wanted]))


@contextlib.contextmanager
def laid(site: Site, laying: Laying) -> Iterator[None]:
    """Write the files, then the definition, for a block; all of it is taken back if the block fails."""
    with in_turn(site.run / "clone.lock"), contextlib.ExitStack() as undo:
        for one in laying.files:
            _write(one, undo)
        if laying.values is not None:
            _define(site, laying, undo)
        yield
        undo.pop_all()


def _refuse(said: str, conflicts: Sequence[str], how: How) -> None:
    if conflicts and not how.force:
        raise DefinitionError(f"{said}: {'; '.join(conflicts)}", hint=_OTHERWISE)


def _others(files: Sequence[Lay]) -> list[str]:
    return [f"{one.path} has another content" for one in files if one.there]


def _check_lists(osimage: Mapping[str, str], lists: Sequence[ListFile]) -> None:
    """Raise DefinitionError unless there is a file for each list that the osimage names, and no other."""
    named = {(key, number) for key in LISTS for number, _ in enumerate(elements(osimage.get(key, "")), start=1)}
    if named != {(one.attribute, one.number) for one in lists if one.attribute != FSTAB}:
        raise DefinitionError(
            "the lists in the bundle are not those that its osimage names", hint="nothing was imported"
        )


def _target(site: Site, name: str, osimage: Mapping[str, str], one: ListFile, how: How) -> Path:
    """Return where a list goes: to its own place, if that is one for lists; else to that of the image's own lists."""
    own = site.installdir / "custom" / "netboot" / platform(osimage.get("osvers", ""))
    extension = LISTS.get(one.attribute, one.attribute)
    middle = "" if one.number == 1 else f".{one.number}"
    if how.name:
        return own / f"{how.profile or name}{middle}.{extension}"
    path = Path(here(site, one.path))
    custom = INSTALLDIR / "custom"
    if Path(one.path).is_relative_to(custom) and ".." not in path.parts:
        return path
    if path.is_absolute() and path.is_file() and _holds(path, one):
        return path
    return own / f"{name}{middle}.{extension}"


def _values(
    site: Site, name: str, osimage: Mapping[str, str], targets: Mapping[tuple[str, int], Path], how: How
) -> dict[str, str]:
    values = {key: here(site, value) for key, value in osimage.items()}
    for attribute in LISTS.keys() & values.keys():
        words = [element.partition(" ") for element in elements(osimage[attribute])]
        paths = (targets.get((attribute, number), "") for number in range(1, len(words) + 1))
        values[attribute] = ",".join(
            f"{path}{blank}{rest}" for path, (_, blank, rest) in zip(paths, words, strict=True)
        )
    if how.name:
        profile = how.profile or name
        tree = site.installdir / "netboot" / values.get("osvers", "") / values.get("osarch", "") / profile
        values |= {"profile": profile, "rootimgdir": str(tree)}
    return values


def _differing(here_: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    keys = sorted(here_.keys() | there.keys() - {"parent"})
    return [
        f"{key} is {here_.get(key, '')!r} here and {there.get(key, '')!r} in the bundle"
        for key in keys
        if key != "parent" and here_.get(key, "") != there.get(key, "")
    ]


def _lay(target: Path, one: ListFile) -> Lay | None:
    there = target.exists() or target.is_symlink()
    if there and target.is_file() and _holds(target, one):
        return None
    return Lay(target, one.content, one.mode & 0o755, there)


def _holds(path: Path, one: ListFile) -> bool:
    """Tell whether a list is here already, as it is or with what it includes in its place."""
    if path.read_bytes() == one.content:
        return True
    with contextlib.suppress(DefinitionError):
        return content(one.attribute, path) == one.content
    return False


def _once(files: Sequence[Lay]) -> tuple[Lay, ...]:
    """Return the files without those that come twice; DefinitionError if one path has two contents."""
    found: dict[Path, Lay] = {}
    for one in files:
        first = found.setdefault(one.path, one)
        if first is not one and first.sha256 != one.sha256:
            raise DefinitionError(f"the bundle has two files for {one.path}", hint="nothing was imported")
    return tuple(found.values())


def _write(one: Lay, undo: contextlib.ExitStack) -> None:
    made(one.path.parent)
    if one.there:
        kept = _free(one.path)
        os.link(one.path, kept, follow_symlinks=False)
        undo.callback(kept.replace, one.path)
    else:
        undo.callback(one.path.unlink, missing_ok=True)
    one.write()


def _free(path: Path) -> Path:
    """Return the first of PATH.ORIG, PATH.ORIG2 and so on that is not there."""
    names = (path.with_name(f"{path.name}.ORIG{number or ''}") for number in (0, *range(2, 1000)))
    return next(name for name in names if not (name.exists() or name.is_symlink()))


def _define(site: Site, laying: Laying, undo: contextlib.ExitStack) -> None:
    before = site.store.get("osimage", laying.name)
    wanted: dict[str, str | None] = dict.fromkeys((before or {}).keys() - {"parent"})
    site.change("osimage", {laying.name: {**wanted, **(laying.values or {})}}, f"import {laying.name}")
    if before is None:
        undo.callback(site.delete, "osimage", laying.name)
        return
    gone: dict[str, str | None] = dict.fromkeys((laying.values or {}).keys() - before.keys())
    undo.callback(site.change, "osimage", {laying.name: {**gone, **before}}, f"take back the import of {laying.name}")
