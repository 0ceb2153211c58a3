"""What nodeset found the last time, so that a second one that has nothing to do says so without looking at each node.

It holds as long as nothing has changed on which the outcome depends: the definitions (their revision), the versions
that are named, keys and passwords, scripts of the site, this program and its templates; and every file that nodeset
and makedhcp write, by its inode, size and times. If one of these is another, all is done as if nothing were known.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from sbkernel import resources
from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.definitions.store.sqlstore import REMEMBERED
from sbkernel.errors import SbkernelError
from sbkernel.files import Identity, identity, write_whole
from sbkernel.netboot import loaders
from sbkernel.netboot.bootplan import Bootable
from sbkernel.site import Site

_KEPT = 8
"""Of so many different calls of nodeset the outcome is remembered."""
_OWN = ("nodes", "by-mac", "grub2", "postscripts")
"""The directories below boot/ that nodeset fills."""


class Outcome(NamedTuple):
    """What one call has found; `words` name the images, `states` are those of the nodes."""

    revision: int
    depends: str
    written: str
    words: Sequence[str]
    states: Sequence[tuple[str, Sequence[str]]]


class Memory:
    """The outcomes of calls on a site; `asked` is all that tells one call from another."""

    def __init__(self, site: Site, chosen_of: Callable[[str], Bootable], asked: Iterable[str]) -> None:
        self._site = site
        self._chosen_of = chosen_of
        self._asked = _digest(asked)
        self._path = site.run / "nodeset.json"
        self.revision = site.store.revision()
        """That of the definitions: nodes must be read after it."""

    def recalled(self) -> dict[str, str] | None:
        """Return the states of all nodes if nothing is to be done; None if that is not known."""
        known = self._outcomes().get(self._asked)
        if known is None or known.revision != self.revision or not known.depends:
            return None
        if known.depends != self._depends(known.words):
            return None
        if known.written != _digest_of(self._written()):
            return None
        return dict(sorted((node, state) for state, nodes in known.states for node in nodes))

    def remember(
        self, words: Iterable[str], states: Mapping[str, str], seen: Mapping[str, Identity], changed: int
    ) -> None:
        """Note that everything is as it shall be now; `changed` is the number of nodes that we have changed ourselves.

        Nothing is noted if somebody else has changed a definition, or a file, since we looked at it.
        """
        revision, every = self._site.store.revision(), sorted(words)
        now, depends = dict(self._written()), self._depends(every)
        if revision != self.revision + min(changed, REMEMBERED) or not depends:
            return
        if any(now.get(path, ())[: len(found)] != found for path, found in seen.items()):
            return
        by_state: dict[str, list[str]] = {}
        for node, state in states.items():
            by_state.setdefault(state, []).append(node)
        outcome = Outcome(revision, depends, _digest_of(now.items()), every, list(by_state.items()))
        others = [(asked, known) for asked, known in self._outcomes().items() if asked != self._asked]
        text = json.dumps(dict([*others[1 - _KEPT :], (self._asked, outcome)]))
        write_whole(self._path, text, mode=0o600)

    def _outcomes(self) -> dict[str, Outcome]:
        """Return what is remembered; what cannot be read is forgotten."""
        try:
            return {asked: Outcome(*known) for asked, known in json.loads(self._path.read_bytes()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _depends(self, words: Iterable[str]) -> str:
        """Return a digest of all but the files that nodeset writes; "" if an image cannot be booted as such."""
        try:
            return _digest(map(repr, self._inputs(words)))
        except SbkernelError:
            return ""

    def _inputs(self, words: Iterable[str]) -> Iterator[object]:
        site = self._site
        # A store that was put back from a copy may come to the same revision in another way.
        yield os.environ.get(SERVER_VARIABLE, ""), os.uname(), site.store.changes(last=1)
        for word in words:
            chosen = self._chosen_of(word)
            yield word, chosen.assigned, chosen.disks, chosen.version.digest
            yield identity((chosen.version.dir / "image.json").stat())
        yield site.authorized_keys(), _digest([site.ssh_key.read_text()])
        password = None if site.attribute("secureroot") == "1" else site.secret("system")
        yield _digest([password.reveal()]) if password else ""
        places = (Path(__file__).parents[1], resources.templates(), site.installdir / "postscripts", loaders.GRUB)
        for directory in places:
            yield sorted(_below(directory))

    def _written(self) -> Iterator[tuple[str, Identity]]:
        """Yield all files that the outcome consists of, by path below boot/, with inode, size and times."""
        site = self._site
        for name in ("", *_OWN):
            yield from _listed(site.boot / name, f"{name}/" if name else "")
        for directory in (site.run / "dhcp" / "hosts", Path(site.attribute("dhcpdir") or site.root / "dhcp")):
            yield from _listed(directory, f"{directory}/")


def _digest(texts: Iterable[str]) -> str:
    found = hashlib.blake2b(digest_size=20)
    for text in texts:
        found.update(text.encode(errors="surrogateescape") + b"\0")
    return found.hexdigest()


def _digest_of(found: Iterable[tuple[str, Identity]]) -> str:
    return _digest(f"{path} {identity}" for path, identity in found)


def _below(directory: Path) -> Iterator[tuple[str, Identity]]:
    """Yield all files below a directory but those that Python makes."""
    for place, names, _ in os.walk(directory):
        names[:] = [name for name in names if name != "__pycache__"]
        yield from _listed(place, f"{place}/")


def _listed(directory: str | Path, before: str) -> Iterator[tuple[str, Identity]]:
    """Yield the files of a directory, without those that are being written; the path is `before` and the name."""
    try:
        with os.scandir(directory) as entries:
            found = [(entry.name, entry) for entry in entries if entry.name[0] != "."]
    except FileNotFoundError:
        return
    for name, entry in sorted(found, key=itemgetter(0)):
        if not entry.is_dir(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield before + name, (*identity(status), status.st_ctime_ns)
