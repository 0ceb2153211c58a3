"""The scripts that nodes run after boot: which, in which order, with which environment, and how they reach the node.

All scripts of a site lie in install/postscripts; some need others, so a node gets all of them, as in xCAT. It fetches
them from the web server, which asks nobody who he is: what others on this host may not read is left out, and refused.
"""

from __future__ import annotations

import functools
import hashlib
import re
import shlex
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.nics import by_interface
from sbkernel.errors import DefinitionError, NodeError, SbkernelError
from sbkernel.lists.text import variables
from sbkernel.netboot import overlay
from sbkernel.netboot.overlay import member
from sbkernel.netboot.server import Server

SYNCFILES = "syncfiles"
BUILT_IN = {
    "syslog": "the node's rsyslogd sends its log here",
    "remoteshell": "the keys of the site are on the node before sshd starts",
    SYNCFILES: "what synclists keep for boot is sent over ssh when the node asks for it",
    "ospkgs": "packages are in the image",
    "otherpkgs": "packages are in the image",
}
"""Scripts of xCAT for which something else is done; xCAT's own would ask a daemon that is not here."""
KINDS = ("postscript", "postbootscript")
MOST_BYTES = 64 << 20
_PART = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Script:
    """One script of a node, with its arguments; its kind is the word with which xCAT reports it."""

    kind: str
    name: str
    arguments: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        """Return the line of sh that runs it on the node."""
        return " ".join(["run_script", self.kind, *map(shlex.quote, (self.name, *self.arguments))])


@dataclass(frozen=True)
class Bundle:
    """All scripts as a tar file."""

    sha256: str
    content: bytes

    @property
    def path(self) -> str:
        """Return its path below boot/: it has another when a script changes, so nodes never mix them."""
        return f"postscripts/{self.sha256}.tar"


@functools.lru_cache(maxsize=1024)
def parse(attribute: str, kind: str = KINDS[0]) -> tuple[Script, ...]:
    """Return the scripts of a comma list of `script argument...`. Raises DefinitionError for what is no name."""
    return tuple(_script(element.split(), kind) for element in attribute.split(",") if element.strip())


@functools.lru_cache(maxsize=1024)
def in_order(postscripts: tuple[str, ...], postbootscripts: tuple[str, ...]) -> tuple[Script, ...]:
    """Return the scripts of attributes, such as those of xcatdefaults, an osimage and a node, in this order.

    All postscripts come before all postbootscripts; one that is named twice, with the same arguments, runs once.
    """
    every = zip(KINDS, (postscripts, postbootscripts), strict=True)
    return tuple(dict.fromkeys(one for kind, texts in every for text in texts for one in parse(text, kind)))


@functools.lru_cache(maxsize=1024)
def own(scripts: tuple[Script, ...]) -> tuple[Script, ...]:
    """Return the scripts without those for which something else is done."""
    return tuple(one for one in scripts if one.name not in BUILT_IN)


class Shelf:
    """The directory of scripts of a site (install/postscripts). It is read once.

    What is `served` can be fetched by anybody; what is sent over ssh may be closed to others here.
    """

    def __init__(self, directory: Path, *, served: bool = True) -> None:
        self.directory = directory
        self._served = served

    def check(self, scripts: Sequence[Script]) -> None:
        """Raise DefinitionError for the first script that cannot be sent."""
        for one in scripts:
            if reason := self._refusal(one.name):
                raise DefinitionError(f"{one.kind} {one.name} {reason[0]}", hint=reason[1])

    @functools.cached_property
    def bundle(self) -> Bundle:
        """Return all scripts as a tar file; the same files give the same bytes."""
        content = self.members + bytes(2 * tarfile.BLOCKSIZE)
        return Bundle(hashlib.sha256(content).hexdigest(), content)

    @property
    def members(self) -> bytes:
        """Return all scripts as members of a tar file."""
        return b"".join(member(name, 0o755, data) for name, data in self._files.items())

    @functools.cached_property
    def _files(self) -> dict[str, bytes]:
        found = {str(path.relative_to(self.directory)): path.read_bytes() for path in self._paths()}
        if (size := sum(map(len, found.values()))) > MOST_BYTES:
            raise DefinitionError(
                f"{self.directory} holds {size >> 20} MB, and every node fetches all of it",
                hint=f"keep scripts there, at most {MOST_BYTES >> 20} MB, and data elsewhere",
            )
        return found

    def _paths(self) -> Iterator[Path]:
        for path in sorted(self.directory.rglob("*")):
            parts = path.relative_to(self.directory).parts
            if all(_PART.fullmatch(part) for part in parts) and self._is_sent(path):
                yield path

    def _is_sent(self, path: Path) -> bool:
        """Tell whether a path is a file of this directory that may be sent; what is not there is not."""
        return path.is_file() and _is_inside(path, self.directory) and (_is_open(path) or not self._served)

    def _refusal(self, name: str) -> tuple[str, str] | None:
        path = self.directory / name
        if not path.is_file():
            names = " ".join(sorted(path.name for path in self._paths())[:20])
            return f"does NOT exist in {self.directory}", f"there are: {names or 'none'}"
        if not _is_inside(path, self.directory):
            return f"is a link that leads out of {self.directory}", "copy the script"
        if not self._is_sent(path):
            return (
                "is closed to others on this host, and whoever can reach the web server can fetch it",
                f"chmod o+r {shlex.quote(str(path))}; send secrets with a synclist instead, which goes over ssh",
            )
        return None


def environment(
    site: Mapping[str, str], node: Definition, image: Definition, server: Server, *, updating: bool = False
) -> dict[str, str]:
    """Return what scripts find in their environment (mypostscript.tmpl of xCAT), by name."""
    values = {key.upper(): value for key, value in site.items() if "password" not in key.lower()}
    values |= variables(image.get("environvar"))
    groups = node.get("groups")
    values |= {
        "NODE": node.name,
        "GROUP": groups,
        "SITEMASTER": site.get("master", ""),
        "MASTER": server.host,
        "MASTER_IP": server.host,
        "HTTPPORT": str(server.http_port),
        "NFSSERVER": node.get("nfsserver"),
        "INSTALLNIC": node.get("installnic"),
        "PRIMARYNIC": node.get("primarynic"),
        "NODEROUTENAMES": node.get("routenames"),
        "OSVER": image.get("osvers"),
        "ARCH": image.get("osarch"),
        "PROFILE": image.get("profile"),
        "PROVMETHOD": image.name,
        "NODESETSTATE": "netboot",
        "UPDATENODE": "1" if updating else "0",
        "NTYPE": "service" if "service" in groups.split(",") else "compute",
        "MACADDRESS": node.get("mac"),
        "NODESTATUS": "1" if server.takes_status else "0",
        "ENABLESSHBETWEENNODES": "NO",
        "NICNODE": node.name,
        **{name.upper(): _nics(node, name) for name in _NICS},
    }
    return {key: value for key, value in values.items() if _VARIABLE.fullmatch(key)}


_NICS = ("nicips", "nichostnamesuffixes", "nictypes", "niccustomscripts", "nicnetworks")


def _nics(node: Definition, name: str) -> str:
    """Return an attribute of interfaces as xCAT's table has it: eth0!a,ib0!b."""
    return ",".join(f"{nic}!{value}" for nic, value in by_interface(node.attributes, name).items())


def environment_text(values: Mapping[str, str]) -> str:
    """Return the assignments of sh that a node reads."""
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in sorted(values.items()))


def list_text(scripts: Sequence[Script], url: str = "", sha256: str = "") -> str:
    """Return what a node runs, as it reads it; it fetches the scripts from `url` if there is one."""
    calls = [one.call for one in scripts] or [":"]
    return "\n".join([f"url={shlex.quote(url)}", f"sha256={sha256}", "all_scripts() {", *calls, "}", ""])


def members(scripts: Sequence[Script], values: Mapping[str, str], server: Server, bundle: Bundle | None) -> bytes:
    """Return the members that the overlay of a node has for its scripts, as bytes of a tar file."""
    url = server.url(f"boot/{bundle.path}") if bundle else ""
    place = overlay.SCRIPTS
    texts = {
        f"{place}/environment": environment_text(values),
        f"{place}/list": list_text(scripts, url, bundle.sha256 if bundle else ""),
    }
    return overlay.running_scripts() + b"".join(member(name, 0o644, text.encode()) for name, text in texts.items())


def in_use(overlays: Iterable[bytes]) -> set[str]:
    """Return the names below boot/ of the bundles that overlays of nodes name."""
    return {match.decode() for content in overlays for match in _BUNDLE.findall(content)}


_BUNDLE = re.compile(rb"boot/(postscripts/[0-9a-f]{64}\.tar)")


def for_node(error: SbkernelError, node: str) -> NodeError:
    """Return an error about scripts as one of a node."""
    return NodeError(node, error.message, hint=error.hint)


def _script(words: Sequence[str], kind: str) -> Script:
    name, *arguments = words
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        raise DefinitionError(
            f"{name!r} is no name of a {kind}", hint="it is the name of a file in install/postscripts, such as mountall"
        )
    if any(not word.isprintable() for word in arguments):
        raise DefinitionError(f"the arguments of {kind} {name} hold control characters")
    return Script(kind, name, tuple(arguments))


def _is_inside(path: Path, directory: Path) -> bool:
    return path.resolve().is_relative_to(directory.resolve())


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)
