"""What nodeset found the last time, so that a second one that has nothing to do says so without looking at each node.

It holds as long as nothing has changed on which the outcome depends: the definitions (their revision), the versions
that are named, keys and passwords, scripts of the site, this program and its templates; and every file that nodeset
and makedhcp write, by its inode, size and times. If one of these is another, all is done as if nothing were known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sbkernel import resources
from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.definitions.store.sqlstore import REMEMBERED
from sbkernel.errors import SbkernelError
from sbkernel.files import Identity, identity, write_whole
from sbkernel.netboot import loaders
from sbkernel.netboot.bootplan import Bootable
from sbkernel.netboot.writing import Seen
from sbkernel.site import Site

_KEPT = 8
"""Of so many different calls of nodeset the outcome is remembered."""
MANY = 100
_SHARE = 4
"""Fewer nodes than a quarter of all are looked at one by one."""
_OWN = ("nodes", "by-mac", "grub2", "postscripts")
"""The directories below boot/ that nodeset fills."""


class Outcome(NamedTuple):
    """What one call has found; `words` name the images, `states` are those of the nodes."""

    revision: int
    change: str
    depends: str
    written: str
    words: Sequence[str]
    states: Sequence[tuple[str, Sequence[str]]]


def is_worthwhile(site: Site, nodes: Sequence[str]) -> bool:
    """Tell whether to look at all files below boot/ costs less than to look at these nodes."""
    return len(nodes) >= MANY and _SHARE * len(nodes) >= len(site.nodes)


class Memory:
    """The outcomes of calls on a site; `asked` is all that tells one call from another."""

    def __init__(self, site: Site, chosen_of: Callable[[str], Bootable], asked: Iterable[str]) -> None:
        self._site = site
        self._chosen_of = chosen_of
        self._asked = _digest(asked)
        self._path = site.run / "nodeset.json"
        self.revision = site.store.revision()
        """That of the definitions: nodes must be read after it."""
        self._words: Sequence[str] = ()
        self._depends = ""
        self._boot_files: Callable[[], Files | None] = lambda: None

    def recalled(self) -> dict[str, str] | None:
        """Return the states of all nodes if nothing is to be done; None if that is not known."""
        known = self._outcomes().get(self._asked)
        if known is None or (known.revision, known.change) != (self.revision, self._change()):
            return None
        self.expect(known.words)
        if not self._depends or known.depends != self._depends or known.written != _digest_of(self._written()):
            return None
        return dict(sorted((node, state) for state, nodes in known.states for node in nodes))

    def expect(self, words: Iterable[str]) -> None:
        """Look at all that decides the outcome, before it does; `words` name the images."""
        self._words = sorted(words)
        try:
            self._depends = _digest(map(repr, self._inputs()))
        except (SbkernelError, OSError):
            self._depends = ""

    def look(self, found: Callable[[], Files | None]) -> None:
        """Let another look at the files below boot/, beside what else is to be done; `found` returns what it has seen.

        Nobody here may write them any more. None: we have to look ourselves.
        """
        self._boot_files = found

    def remember(self, states: Mapping[str, str], seen: Seen, changed: int) -> None:
        """Note that everything is as it shall be now; `changed` is the number of nodes that we have changed ourselves.

        Nothing is noted if somebody else has changed a definition, or a file, since we looked at it.
        """
        change, revision, now = self._change(), self._site.store.revision(), self._written()
        if revision != self.revision + min(changed, REMEMBERED) or not self._depends:
            return
        for directory, names in seen.items():
            there = {name: found for name, found, _changed in now.get(directory, ())}
            if not names.items() <= there.items():
                return
        by_state: dict[str, list[str]] = {}
        for node, state in states.items():
            by_state.setdefault(state, []).append(node)
        outcome = Outcome(revision, change, self._depends, _digest_of(now), self._words, list(by_state.items()))
        others = [(asked, known) for asked, known in self._outcomes().items() if asked != self._asked]
        text = json.dumps(dict([*others[1 - _KEPT :], (self._asked, outcome)]))
        # A full disk makes the next run do all.
        with contextlib.suppress(OSError):
            write_whole(self._path, text, mode=0o600)

    def _change(self) -> str:
        """Return which change set is the last: a store that was put back may come to the same revision otherwise."""
        return _digest(map(repr, self._site.store.changes(last=1)))

    def _outcomes(self) -> dict[str, Outcome]:
        """Return what is remembered; what cannot be read is forgotten."""
        try:
            return {asked: Outcome(*known) for asked, known in json.loads(self._path.read_bytes()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _inputs(self) -> Iterator[object]:
        """Yield all but the definitions, and the files that nodeset writes."""
        site = self._site
        yield os.environ.get(SERVER_VARIABLE, ""), os.uname()
        for word in self._words:
            chosen = self._chosen_of(word)
            yield word, chosen.assigned, chosen.disks, chosen.version.digest
            yield identity((chosen.version.dir / "image.json").stat())
        yield site.authorized_keys(), _digest([site.ssh_key.read_text()])
        password = None if site.attribute("secureroot") == "1" else site.secret("system")
        yield _digest([password.reveal()]) if password else ""
        places = (Path(__file__).parents[1], resources.templates(), site.installdir / "postscripts", loaders.GRUB)
        for directory in places:
            yield sorted((place, _listed(place)) for place in _below(directory))

    def _written(self) -> Files:
        """Return all files that the outcome consists of, by directory."""
        site = self._site
        dhcp = (site.run / "dhcp" / "hosts", Path(site.attribute("dhcpdir") or site.root / "dhcp"))
        found = self._boot_files() or below_boot(site.boot)
        return found | {str(directory): _listed(directory) for directory in dhcp}


def _digest(texts: Iterable[str]) -> str:
    found = hashlib.blake2b(digest_size=20)
    for text in texts:
        found.update(text.encode(errors="surrogateescape") + b"\0")
    return found.hexdigest()


def _digest_of(files: Files) -> str:
    # Without references (version 2), so that equal lists give equal bytes; three times faster than repr().
    return hashlib.blake2b(marshal.dumps(files, 2), digest_size=20).hexdigest()


def _below(directory: Path) -> Iterator[str]:
    """Yield a directory and all below it, but those that Python makes."""
    for place, names, _ in os.walk(directory):
        names[:] = [name for name in names if name != "__pycache__"]
        yield place


_Entry = tuple[str, Identity, int]
"""Name, what becomes another when it is written or replaced, and the time when anything of it changed."""
Files = dict[str, list[_Entry]]
"""Files by directory."""


def below_boot(boot: Path) -> Files:
    """Return the files below boot/ that nodeset writes."""
    return {name: _listed(boot / name) for name in ("", *_OWN)}


def _listed(directory: str | Path) -> list[_Entry]:
    """Return the files of a directory by name, without those that are being written."""
    try:
        with os.scandir(directory) as entries:
            return sorted(
                (entry.name, identity(one), one.st_ctime_ns)
                for entry in entries
                if entry.name[0] != "." and not stat.S_ISDIR((one := entry.stat(follow_symlinks=False)).st_mode)
            )
    except FileNotFoundError:
        return []
