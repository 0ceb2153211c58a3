"""Machines that asked how to boot and are no nodes: the list that the service fills and from which nodes are made.

<site>/log/discovered.json holds at most LIMIT of them, however many addresses somebody makes up: machines that asked
once are forgotten before those that asked again, the longest silent first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbkernel import files
from sbkernel.definitions.groups import peek_all
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.netboot.names import dashed_mac
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 1000
UNDEF, MANUAL = "undef", "manual"
METHODS = ("seq", "profile", "switch", "blade", MANUAL, UNDEF, "all")
_TEXT_LIMIT = 64
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_UUID = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")


@dataclass(frozen=True)
class Machine:
    """A machine: when it was `first` and `last` heard of, how often, and what it told of itself.

    `interface` is the one of this host where it was heard. `node` is the one that has its MAC address by now.
    """

    mac: str
    uuid: str = ""
    first: float = 0.0
    last: float = 0.0
    times: int = 1
    ip: str = ""
    interface: str = ""
    firmware: str = ""
    manufacturer: str = ""
    product: str = ""
    serial: str = ""
    node: str = ""

    @property
    def method(self) -> str:
        """Return in xCAT's words how it became a node: manual, or undef if it is none."""
        return MANUAL if self.node else UNDEF

    @property
    def key(self) -> str:
        """Return what nodediscoverdef -u takes: the UUID, or the MAC address of a machine that told none."""
        return self.uuid or self.mac


_TOLD = ("uuid", "ip", "interface", "firmware", "manufacturer", "product", "serial")


def sighting(mac: str, when: float, told: Mapping[str, str]) -> Machine:
    """Return a machine as it is heard now, its words cut to fit. Raises DefinitionError for what is no MAC address."""
    address = dashed_mac(mac).replace("-", ":")
    words = {key: _clean(told.get(key, "")) for key in _TOLD}
    uuid = words["uuid"].lower()
    known = bool(_UUID.fullmatch(uuid)) and uuid not in _NO_UUID
    return _told(Machine(address, first=when, last=when), {**words, "uuid": uuid if known else ""})


def together(old: Machine, new: Machine) -> Machine:
    """Return one machine of what was known and what is heard now."""
    one = replace(old, last=max(old.last, new.last), times=old.times + new.times)
    return _told(one, {key: getattr(new, key) or getattr(old, key) for key in _TOLD})


def _told(one: Machine, words: Mapping[str, Any]) -> Machine:
    return replace(one, **words)


def kept(machines: Iterable[Machine]) -> list[Machine]:
    """Return those that are not forgotten, the first seen first."""
    by_worth = sorted(machines, key=lambda one: (one.times > 1, one.last), reverse=True)
    return sorted(by_worth[:LIMIT], key=lambda one: (one.first, one.mac))


def note(site: Site, sightings: Iterable[Machine]) -> None:
    """Add what was heard to the list."""
    with files.in_turn(_lock(site)):
        found = {one.mac: one for one in _read(site)}
        for one in sightings:
            found[one.mac] = together(found[one.mac], one) if one.mac in found else one
        _write(site, found.values())


def forget(site: Site, machines: Iterable[Machine]) -> None:
    """Take machines off the list; one that asks again comes back."""
    gone = {one.mac for one in machines}
    with files.in_turn(_lock(site)):
        _write(site, [one for one in _read(site) if one.mac not in gone])


def discovered(site: Site) -> list[Machine]:
    """Return the machines, the first seen first, with the nodes that some have become (xCAT: nodediscoverls)."""
    owners = dict(_owners(site))
    return [replace(one, node=owners.get(one.mac, "")) for one in _read(site)]


def discovered_frame(site: Site) -> pd.DataFrame:
    """Return the same as a DataFrame; first and last as times, in UTC."""
    import pandas as pd

    frame = pd.DataFrame([asdict(one) for one in discovered(site)], columns=[field.name for field in fields(Machine)])
    return frame.assign(**{key: pd.to_datetime(frame[key], unit="s", utc=True) for key in ("first", "last")})


def chosen(machines: Iterable[Machine], method: str) -> list[Machine]:
    """Return the machines of one of xCAT's methods; those that are not undef or manual have none here."""
    return [one for one in machines if method in ("all", one.method)]


def find(site: Site, which: str) -> Machine:
    """Return the machine with a UUID or a MAC address.

    Raises NotFoundError if there is none, DefinitionError if several have that UUID.
    """
    wanted = which.strip().lower()
    machines = discovered(site)
    found = [one for one in machines if wanted in (one.uuid, one.mac, one.mac.replace(":", "-"))]
    if not found:
        raise NotFoundError(f"no machine {which} was discovered", hint="sb nodediscoverls lists those that were")
    if len(found) > 1:
        raise DefinitionError(
            f"{len(found)} machines have the UUID {which}", hint=f"name one by its MAC address: {_macs(found)}"
        )
    return found[0]


def _owners(site: Site) -> Iterator[tuple[str, str]]:
    for name, node in peek_all(site.store, "mac"):
        for address in macs_in(node.get("mac", "")):
            yield address, name


def macs_in(attribute: str) -> list[str]:
    """Return the addresses of xCAT's `mac` attribute, `mac1!name1|mac2!name2`, as 52:54:00:12:34:56."""
    parts = (part.partition("!")[0].strip().lower() for part in attribute.split("|"))
    return [part.replace("-", ":") for part in parts if part]


def _macs(machines: Iterable[Machine]) -> str:
    return ", ".join(one.mac for one in machines)


def _clean(text: str) -> str:
    """Return text that can be shown in a terminal: printable, short, and not what firmware writes for nothing."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[:_TEXT_LIMIT]).strip()
    return "" if plain.lower() in ("none", "not specified", "to be filled by o.e.m.", "default string") else plain


def _file(site: Site) -> Path:
    return site.log / "discovered.json"


def _lock(site: Site) -> Path:
    return site.run / "discovered.lock"


def _read(site: Site) -> list[Machine]:
    """Read the list. One that a full disk or somebody has spoilt is empty: the machines will ask again."""
    try:
        rows = json.loads(_file(site).read_text())
        return [_machine(row) for row in rows]
    except (FileNotFoundError, ValueError, TypeError, LookupError, AttributeError):
        return []


def _machine(row: dict[str, Any]) -> Machine:
    one = sighting(str(row["mac"]), 0.0, row)
    return replace(one, first=float(row["first"]), last=float(row["last"]), times=int(row["times"]))


def _write(site: Site, machines: Iterable[Machine]) -> None:
    rows = [{key: value for key, value in asdict(one).items() if key != "node"} for one in kept(machines)]
    files.write_if_changed(_file(site), json.dumps(rows, indent=0) + "\n")
