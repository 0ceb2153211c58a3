"""Nodes that are alike are planned once: what is made for a stand-in is made into that of each node. Pure.

Which attributes make nodes alike nobody has to list: a stand-in notes what is read of it. Two nodes that have the same
values there, whatever else they have, get the same, but for their names and MAC addresses.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar, cast

from sbkernel.definitions.definition import Attributes, Definition
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.commandline import LIMIT
from sbkernel.netboot.names import node_file_name
from sbkernel.netboot.scripts import grub_path, script_path, with_variables

_NAME = f"stand-in-{secrets.token_hex(12)}"
_MAC = "-".join(secrets.token_hex(1) for _ in range(6))
"""What a stand-in has in place of a node's name and MAC address; no text holds either by chance."""
_OWN = "mac"
_NAME_BYTES, _MAC_BYTES = _NAME.encode(), _MAC.encode()
_WRITTEN_MAC = _MAC_BYTES.replace(b"-", b":")
T = TypeVar("T")


class _Watched(Mapping[str, str]):
    """The attributes of a stand-in. It notes which are read; who reads all of them takes part in no likeness."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.read = set[str]()
        self.whole = False
        self.faults: Mapping[str, DefinitionError] = {}

    @property
    def sound(self) -> _Watched:
        return self

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self.whole = True
        return iter(self._values)

    def __len__(self) -> int:
        self.whole = True
        return len(self._values)


class Alike(Generic[T]):
    """Calls a function of nodes once for those that are alike.

    The function reads of a node only its attributes, its name and its first MAC address; the last two do not decide
    what comes out, they may only be part of it. So its result is that of a stand-in, for `Pattern` to fill in.
    """

    def __init__(self, function: Callable[[Definition], T | None]) -> None:
        self._function = function
        self._read: tuple[str, ...] = ()
        self._known: dict[tuple[str | None, ...], T | None] = {}

    def __call__(self, node: Definition) -> T | None:
        """Return the result for nodes like this one; None if it has to be asked for itself, and to raise its errors."""
        held = node.attributes
        if held.faults:
            return None
        values = held.sound
        key = tuple(map(values.get, self._read))
        if key not in self._known:
            self._learn(values)
            key = tuple(map(values.get, self._read))
        return self._known[key]

    def _learn(self, values: Mapping[str, str]) -> None:
        watched = _Watched({**values, _OWN: _WRITTEN_MAC.decode()})
        try:
            result: T | None = self._function(Definition("node", _NAME, cast("Attributes", watched)))
        except SbkernelError:
            result = None
        if new := watched.read - {_OWN, *self._read}:
            # Those known so far may differ in what has been read only now.
            self._read, self._known = (*self._read, *sorted(new)), {}
        self._known[tuple(map(values.get, self._read))] = None if watched.whole else result


class _Content(NamedTuple):
    """What stands in a file around the name of a node, and whether its MAC address stands there, too."""

    parts: tuple[bytes, ...]
    has_mac: bool


class Pattern(NamedTuple):
    """What was planned for a stand-in. `of` returns the plan of a node.

    iPXE fills in name and address itself, by the variables that the script of the address sets, so that all have the
    same script. GRUB has no such variables.
    """

    planned: BootPlan
    contents: tuple[tuple[str, _Content], ...]
    """Its files by path."""
    own: frozenset[str]
    """The attributes in which its name or its MAC address stands."""
    shared: bool
    """Its script is that of all."""

    @classmethod
    def made(cls, planned: BootPlan) -> Pattern | None:
        """Make one; None if the plan has the MAC address as people write it, which may be several: no stand-in has."""
        if any(
            _WRITTEN_MAC in text for text in (*planned.files.values(), *map(str.encode, planned.attributes.values()))
        ):
            return None
        shared = grub_path(_NAME) not in planned.files
        files = dict(planned.files)
        if shared:
            files[script_path(_NAME)] = with_variables(files[script_path(_NAME)], _NAME, _MAC)
        return cls(
            planned,
            tuple((path, _Content(tuple(text.split(_NAME_BYTES)), _MAC_BYTES in text)) for path, text in files.items()),
            frozenset(key for key, text in planned.attributes.items() if _NAME in text or _MAC in text),
            shared,
        )

    def of(self, name: str, mac: str, more: Mapping[str, bytes] | None = None) -> BootPlan | None:
        """Return the plan of a node by name and MAC address, with dashes; None if its command line is too long.

        `more` are files of its own by path, which come first.
        """
        attributes = dict(self.planned.attributes)
        for key in self.own:
            attributes[key] = attributes[key].replace(_NAME, name).replace(_MAC, mac)
        if len(attributes["kcmdline"]) > LIMIT:
            return None
        plain, dashed = node_file_name(name).encode(), mac.encode()
        files = dict(more or ())
        for path, (parts, has_mac) in self.contents:
            content = plain.join(parts)
            files[path.replace(_NAME, name).replace(_MAC, mac)] = (
                content.replace(_MAC_BYTES, dashed) if has_mac else content
            )
        return BootPlan(name, self.planned.state, mac, files, attributes, self.shared)
