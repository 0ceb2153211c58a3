"""One repository of rpm packages: an address or a directory, and the keys that its packages are signed by."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families.local_index import LocalIndex, unindexed
from sbkernel.images.families.places import Place, shown
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.run import run

REPODATA = "repodata/repomd.xml"
_KEYS = ("RPM-GPG-KEY*", "repodata/repomd.xml.key")
"""Key files as media and mirrors have them."""

_SCHEMES = ("file", "http", "https", "ftp")


@dataclass(frozen=True)
class Repository:
    """A repository: its name for the package manager, its address, key files, and whether packages must be signed."""

    name: str
    url: str
    keys: tuple[Path, ...] = ()
    check: bool = False
    trusted: bool = True
    """False when nobody has said by what to trust a mirror."""
    index: LocalIndex | None = None
    """What we index, when nobody else has."""

    @property
    def local(self) -> bool:
        """Tell whether it is a directory of this host."""
        return self.url.startswith("file:")

    @property
    def for_nodes(self) -> bool:
        """Tell whether a node can and may use it: no directory of this host, no address with a password in it."""
        return not self.local and not urlsplit(self.url).username


def refuse_untrusted(chosen: Iterable[Repository]) -> None:
    """Raise BuildError for a mirror without a key: nothing would tell its packages from somebody else's."""
    bare = [shown(one.url) for one in chosen if not one.trusted]
    if bare:
        raise BuildError(
            f"no key says whose packages these are: {', '.join(bare)}",
            hint="write gpgkey=/PATH/OF/KEY after the address in pkgdir, or gpgcheck=0 to trust the mirror blindly; "
            "a local directory needs no key, one with RPM-GPG-KEY files must be signed by them",
        )


def remote(place: Place, attribute: str) -> Repository:
    """Return the repository of an address; DefinitionError for one that is none, or lacks the key that it asks for."""
    url = place.text
    if urlsplit(url).scheme not in _SCHEMES or re.search(r"\s", url):
        raise DefinitionError(
            f"{attribute}: {shown(url)!r} is no address of a repository",
            hint="file://, http:// or https://, then gpgkey=FILE or gpgcheck=0",
        )
    made = _with_keys(Repository("", url.rstrip("/")), place.keys, place.check)
    return replace(made, trusted=made.local or made.check or place.check is False)


def local(directory: Path, place: Place, cache: Path | None = None) -> Repository:
    """Return a directory as a repository; one without an index gets one in the cache, if there is one for it."""
    keys = list(place.keys)
    if not keys:
        above = [directory, *(one for one in directory.parents if one.is_relative_to(place.text))]
        keys = [key for one in above for pattern in _KEYS for key in sorted(one.glob(pattern))]
    plain = Repository("", file_url(directory))
    if cache is not None and not (directory / REPODATA).is_file():
        index = LocalIndex.below(cache, directory.absolute(), ".rpm", write_index)
        plain = Repository("", file_url(index.place), index=index)
    return _with_keys(plain, keys, place.check)


def file_url(directory: Path) -> str:
    """Return the address of a directory."""
    return f"file://{quote(str(directory.absolute()))}"


def with_login(address: str, repositories: Iterable[Repository]) -> str:
    """Return the address of a package with the login that its repository is asked with; nothing else tells it."""
    for one in repositories:
        if (bare := shown(one.url)) != one.url and address.startswith(f"{bare}/"):
            return one.url + address.removeprefix(bare)
    return address


def write_index(directory: Path, place: Path, only: Sequence[str] | None = None) -> None:
    """Write the index of a directory that has none, of all that is below it or of some paths (createrepo_c(8))."""
    lines: list[str] = []
    # It takes what a killed run has left for the lock of another one; but who is here has the turn.
    remove_tree(place / ".repodata")
    argv = ["createrepo_c", "--error-exit-val", "--no-database", "--outputdir", str(place)]
    with tempfile.NamedTemporaryFile("w", prefix="sbkernel-") as listed:
        listed.write("".join(f"{path}\n" for path in only or ()))
        listed.flush()
        argv += [] if only is None else ["--pkglist", listed.name]
        done = run([*argv, str(directory)], on_line=lines.append, check=False)
    if done.returncode:
        raise unindexed(directory, [line for line in lines if re.search("error|critical|warning", line, re.IGNORECASE)])


def _with_keys(plain: Repository, keys: Sequence[Path], check: bool | None) -> Repository:
    if check and not keys:
        raise DefinitionError(f"gpgcheck=1 without a key for {shown(plain.url)}", hint="add gpgkey=/PATH/OF/KEY")
    return replace(plain, keys=tuple(keys), check=bool(keys) and check is not False)
