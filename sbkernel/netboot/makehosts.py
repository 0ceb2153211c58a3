"""xCAT's makehosts: the lines of nodes in a hosts file (hosts(5)); the lines of others stay (hosts.pm of xCAT)."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sbkernel.definitions.addresses import in_network
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.nics import by_interface
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import hold, write_whole
from sbkernel.lists.text import decoded, encoded
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd

_FIRST = "127.0.0.1 localhost\n"
_YES = frozenset({"1", "yes", "enable"})


@dataclass(frozen=True)
class Form:
    """How a line is written: whole name first (-l), other names first (-o), and these with the domain, too (-a)."""

    long_first: bool = False
    others_first: bool = False
    add_domain: bool = False


@dataclass(frozen=True)
class Entry:
    """An address and its names; one of a further interface does not replace the line of another name."""

    node: str
    ip: str
    name: str
    domain: str
    others: str = ""
    further: bool = False


@dataclass(frozen=True)
class Hosts:
    """What became of a hosts file."""

    path: Path
    changed: bool
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return the addresses as a DataFrame: node, ip, name, domain."""
        import pandas as pd

        rows = [(one.node, one.ip, one.name, one.domain) for one in self.entries]
        return pd.DataFrame(rows, columns=["node", "ip", "name", "domain"])


def makehosts(
    site: Site, path: Path, noderange: str | None = None, *, new: bool = False, delete: bool = False,
    form: Form | None = None,
) -> Hosts:  # fmt: skip
    """Write the lines of nodes, else of all nodes, into the hosts file `path`; a second run changes nothing.

    `new` begins it anew, and loses the lines of others; `delete` takes the lines of nodes out. What the file was before
    is kept beside it as PATH.xcatbak. Nodes without an address or a domain are left out, with a warning. Raises
    NotFoundError for an unknown node, DefinitionError for options that do not go together.
    """
    if delete and (new or not noderange):
        raise DefinitionError("-d takes the nodes of a noderange out", hint="sb makehosts NODERANGE -d")
    nodes = site.nodes.many(site.noderange(noderange) if noderange else site.nodes)
    domains = _Domains(site)
    warnings: list[str] = []
    entries = tuple(one for node in nodes.values() for one in _entries(node, domains, warnings))
    shape = form or Form()
    if site.attribute("FQDNfirst").lower() in _YES:
        shape = Form(True, shape.others_first, shape.add_domain)
    place = path.resolve()
    turn = hold(place.parent)
    try:
        before = decoded(place.read_bytes()) if place.exists() else ""
        lines = _FIRST if new else before
        after = without(lines, entries) if delete else with_entries(lines, entries, shape)
        if after != before:
            _write(place, before, after)
    finally:
        os.close(turn)
    return Hosts(place, after != before, entries, tuple(warnings))


def with_entries(text: str, entries: Iterable[Entry], form: Form) -> str:
    """Return a hosts file with entries, each in the place of the first line that has its address or its name. Pure."""
    lines = _Lines(text)
    for one in entries:
        found, line = lines.matching(one), _line(one, form)
        if not found:
            lines.append(line)
            continue
        first, *more = found
        names = lines.names(first)
        if one.further and names and names[0] not in (one.name, f"{one.name}.{one.domain}"):
            added = [word for word in one.others.split() if word not in names]
            line = " ".join([lines.text(first).rstrip(), *added]) + "\n" if added else lines.text(first)
        lines.put(first, line)
        for number in more:
            lines.put(number, "")
    return str(lines)


def without(text: str, entries: Iterable[Entry]) -> str:
    """Return a hosts file without the lines of entries. Pure."""
    lines = _Lines(text)
    for one in entries:
        for number in lines.matching(one):
            lines.put(number, "")
    return str(lines)


class _Lines:
    """The lines of a hosts file, found by address and by name."""

    def __init__(self, text: str) -> None:
        self._lines: list[str] = []
        self._found: dict[str, dict[int, None]] = {}
        for line in text.splitlines(keepends=True):
            self.append(line if line.endswith("\n") else f"{line}\n")

    def __str__(self) -> str:
        return "".join(self._lines)

    def append(self, line: str) -> None:
        self._lines.append("")
        self.put(len(self._lines) - 1, line)

    def put(self, number: int, line: str) -> None:
        for key in self._keys(self._lines[number]):
            self._found.get(key, {}).pop(number, None)
        self._lines[number] = line
        for key in self._keys(line):
            self._found.setdefault(key, {})[number] = None

    def text(self, number: int) -> str:
        return self._lines[number]

    def names(self, number: int) -> list[str]:
        return self._lines[number].split()[1:]

    def matching(self, one: Entry) -> list[int]:
        keys = (one.ip, f"name {one.name}")
        return sorted({number for key in keys for number in self._found.get(key, {})})

    def _keys(self, line: str) -> Iterator[str]:
        """Yield the address of a line, and the name that it begins with, also without its domain."""
        address, *names = line.split()[:2] or [""]
        if not address or line[0].isspace():
            return
        yield address
        if names and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", address):
            parts = names[0].split(".")
            yield from (f"name {'.'.join(parts[:end])}" for end in range(1, len(parts) + 1))


def _line(one: Entry, form: Form) -> str:
    """Return the line of an entry, with the blank at its end that xCAT leaves."""
    whole = f"{one.name}.{one.domain}"
    others = [word for word in re.split(r"[ ,]+", one.others.strip()) if word and word not in (one.name, whole)]
    dotted = next((word for word in others if "." in word), "")
    if dotted and not any(word in (one.name, whole) for word in re.split(r"[ ,]+", one.others)):
        whole = dotted
        others.remove(dotted)
    if form.add_domain:
        others = [*(f"{word}.{one.domain}" for word in reversed(others) if "." not in word), *others]
    rest = " ".join(others)
    if form.long_first:
        return f"{one.ip} {whole} {one.name} {rest}\n"
    if form.others_first:
        return f"{one.ip} {rest} {whole} {one.name}\n"
    return f"{one.ip} {one.name} {whole} {rest}\n"


class _Domains:
    """The domain of an address: that of its network, else that of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site.attribute("domain")
        self._networks = list(site.networks.values())

    def of(self, address: str, network: str = "") -> str:
        covering = next((one for one in self._networks if in_network(address, one.get("net"), one.get("mask"))), None)
        named = next((one for one in self._networks if one.name == network), None)
        found = (one.get("domain") for one in (covering, named) if one is not None)
        return next(filter(None, found), self._site)


def _entries(node: Definition, domains: _Domains, warnings: list[str]) -> Iterator[Entry]:
    """Yield what a node has: its own address, those of otherinterfaces, and those of its interfaces."""
    address = node.get("ip").strip()
    if not address:
        warnings.append(f"Ignoring node '{node.name}', it can not be resolved.")
    for one in _all_of(node, address, domains):
        if one.domain:
            yield one
        else:
            warnings.append(
                f"No domain can be determined for node '{one.name}'. The domain of the xCAT node must be provided in "
                "an xCAT network definition or the xCAT site definition."
            )


def _all_of(node: Definition, address: str, domains: _Domains) -> Iterator[Entry]:
    if address:
        yield Entry(node.name, address, node.name, domains.of(address), node.get("hostnames"))
    for item in filter(None, node.get("otherinterfaces").split(",")):
        name, _, ip = item.partition("!" if "!" in item else ":")
        if _is_address(ip):
            yield Entry(node.name, ip, f"{node.name}{name}" if name.startswith("-") else name, domains.of(ip))
    names = ("nichostnamesuffixes", "nichostnameprefixes", "nicnetworks", "nicaliases")
    words = {name: by_interface(node.attributes, name) for name in names}
    for nic, ips in by_interface(node.attributes, "nicips").items():
        several = {key: found.get(nic, "").split("|") for key, found in words.items()}
        for number, ip in enumerate(ips.split("|")):
            suffix, prefix, network, aliases = (_at(several[key], number) for key in words)
            if not suffix and not prefix:
                suffix = f"-{nic}"
            name = f"{prefix}{node.name}{suffix}"
            if _is_address(ip) and "." not in name:
                yield Entry(node.name, ip, name, domains.of(ip, network), aliases, further=True)


def _at(words: Sequence[str], number: int) -> str:
    return words[number] if number < len(words) else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _write(place: Path, before: str, after: str) -> None:
    mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
    try:
        if before:
            write_whole(place.with_name(f"{place.name}.xcatbak"), encoded(before), mode=mode)
        write_whole(place, encoded(after), mode=mode, durable=True)
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.EXDEV):
            raise SbkernelError(
                f"{place} is a mount of its own, which cannot be replaced", hint="name another file: --file PATH"
            ) from error
        raise SbkernelError(f"{place} cannot be written: {error.strerror}", hint="be root, or --file PATH") from error
