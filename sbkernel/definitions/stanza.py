"""Stanza text: how definitions are written to files and read back (xCAT's -z; xcatstanzafile(5)). Pure.

# <xCAT data object stanza file>

lab-compute:
    objtype=osimage
    profile=lab
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sbkernel.definitions.store.interface import Values
from sbkernel.errors import DefinitionError

TITLE = "# <xCAT data object stanza file>"
_DEFAULT = re.compile(r"default-([^-]+)")
_LONGEST = 60


class Stanza(NamedTuple):
    """One object of a stanza file."""

    objtype: str
    name: str
    values: Values

    def __repr__(self) -> str:
        return f"Stanza({self.objtype} {self.name}: {', '.join(self.values)})"  # values may be secret


class Remark(NamedTuple):
    """Something that xCAT would drop silently, and its line number."""

    line: int
    text: str


class Places(NamedTuple):
    """The lines of an object in its file: its header, and each attribute."""

    header: int
    attributes: Mapping[str, int]


class StanzaRead(NamedTuple):
    """The objects of a stanza file, what was dropped, and the lines of each object, by type and name."""

    stanzas: list[Stanza]
    remarks: list[Remark]
    places: Mapping[tuple[str, str], Places] = {}


def render(stanzas: Iterable[Stanza]) -> str:
    """Return the text of a stanza file: objtype first, then the attributes, sorted."""
    return "".join([f"{TITLE}\n", *(_render(stanza) for stanza in stanzas)])


def _render(stanza: Stanza) -> str:
    lines = [f"{attribute(key, value)}\n" for key, value in sorted(stanza.values.items())]
    return "".join([f"\n{stanza.name}:\n{attribute('objtype', stanza.objtype)}\n", *lines])


def attribute(key: str, value: str) -> str:
    """Return the line of an attribute, or a comment if the value does not fit on a line."""
    if "\n" in value:
        return f"    # {key} is left out: it holds a line break"
    return f"    {key}={quoted(value)}"


def quoted(value: str) -> str:
    """Return a value as it is written: quoted if the reader would strip it, else raw, as in xCAT."""
    return f'"{value}"' if value != value.strip() or value[:1] == '"' or value[-1:] == '"' else value


def parse(text: str, file: str = "stanza") -> list[Stanza]:
    """Return the objects of a stanza file, as `read` does, without its remarks."""
    return read(text, file).stanzas


def read(text: str, file: str = "stanza") -> StanzaRead:
    """Read a stanza file. Raises DefinitionError for an object without objtype.

    `default-TYPE` gives its values to the objects after it, at their objtype line. A second header of the same name
    adds to the first, unless its objtype differs: a node and a group may have one name. After a line that is neither
    a header nor an attribute, everything up to the next header is left out, as in xCAT, with a remark.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            reader.read(stripped, number)
    objects = reader.objects()
    for one in objects:
        if not one.values.get("objtype"):
            message = f"No objtype value was specified for '{one.name}'."
            raise DefinitionError(message, hint=f"{file}:{one.header}: a line such as objtype=osimage is missing.")
    stanzas = [_stanza(one) for one in objects]
    keys = [(one.objtype, one.name) for one in stanzas]
    places = (Places(one.header, one.lines) for one in objects)
    return StanzaRead(stanzas, reader.remarks, dict(zip(keys, places, strict=True)))


class _Section(NamedTuple):
    """A header and what follows it, up to the next header."""

    name: str
    header: int
    values: Values
    lines: dict[str, int]

    def is_default(self) -> bool:
        """Tell whether it is default-TYPE, and not an object of that name."""
        default = _DEFAULT.fullmatch(self.name) if self.name.startswith("default-") else None
        return default is not None and self.values.get("objtype", default[1]) == default[1]


class _Reader:
    def __init__(self) -> None:
        self.sections: list[_Section] = []
        self.remarks: list[Remark] = []
        self._lenders: dict[str, list[_Section]] = {}
        self._lost = False

    def read(self, line: str, number: int) -> None:
        key, equals, value = line.partition("=")
        if line.endswith(":") and not equals and line != ":":
            self._begin(_Section(line[:-1].strip(), number, {}, {}))
        elif self._lost:
            self._extend(number)
        elif equals and key.strip():
            self._attribute(number, key.strip(), _unquoted(value.strip()))
        else:
            self.remarks.append(Remark(number, f"'{line[:_LONGEST]}' is neither a header nor an attribute"))
            self._lost = bool(self.sections)

    def _begin(self, section: _Section) -> None:
        self.sections.append(section)
        self._lost = False
        if section.name.startswith("default-") and (default := _DEFAULT.fullmatch(section.name)):
            self._lenders.setdefault(default[1], []).append(section)

    def _extend(self, number: int) -> None:
        last = self.remarks[-1]
        start = last.text.partition("; ")[0]
        self.remarks[-1] = last._replace(text=f"{start}; it and all to line {number} is left out")

    def _attribute(self, number: int, key: str, value: str) -> None:
        if not self.sections:
            self.remarks.append(Remark(number, f"{key} stands before the first header, and is left out"))
            return
        section = self.sections[-1]
        self._set(section, key, value, number)
        if key == "objtype" and not section.is_default():
            for name, lent in self._lent(value).items():
                self._set(section, name, lent, number)

    def _set(self, section: _Section, key: str, value: str, number: int) -> None:
        if section.values.setdefault(key, value) != value:
            text = f"{key} of '{section.name}' replaces what line {section.lines[key]} says"
            self.remarks.append(Remark(number, text))
            section.values[key] = value
        section.lines[key] = number

    def _lent(self, objtype: str) -> Values:
        found: Values = {}
        for section in self._lenders.get(objtype, ()):
            if section.is_default():
                found |= {key: value for key, value in section.values.items() if key != "objtype"}
        return found

    def objects(self) -> list[_Section]:
        """Join the sections that have the same name and type."""
        named: dict[str, list[_Section]] = {}
        for section in self.sections:
            if section.is_default():
                continue
            others = named.setdefault(section.name, [])
            objtype = section.values.get("objtype")
            same = [one for one in others if objtype is None or one.values.get("objtype") in (None, objtype)]
            if not same:
                others.append(section)
            for key, value in section.values.items() if same else ():
                self._set(same[-1], key, value, section.lines[key])
        return sorted((one for some in named.values() for one in some), key=lambda one: one.header)


def _stanza(one: _Section) -> Stanza:
    return Stanza(one.values["objtype"], one.name, {key: v for key, v in one.values.items() if key != "objtype"})


def _unquoted(value: str) -> str:
    return value.removeprefix('"').removesuffix('"') if '"' in value else value
