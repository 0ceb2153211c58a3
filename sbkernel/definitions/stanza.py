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

from sbkernel.definitions.store import Values
from sbkernel.errors import ListFileError

TITLE = "# <xCAT data object stanza file>"
_DEFAULT = re.compile(r"default-([^-]+)")


class Stanza(NamedTuple):
    """One object of a stanza file."""

    objtype: str
    name: str
    values: Values


def render(stanzas: Iterable[Stanza]) -> str:
    """Return the text of a stanza file; objtype first, then attributes in order of their names."""
    return "".join([f"{TITLE}\n", *(_render(stanza) for stanza in stanzas)])


def _render(stanza: Stanza) -> str:
    lines = [f"    {key}={quoted(value)}\n" for key, value in sorted(stanza.values.items())]
    return "".join([f"\n{stanza.name}:\n    objtype={stanza.objtype}\n", *lines])


def quoted(value: str) -> str:
    """Return a value as it is written: quoted where the reader would strip it, else raw, as in xCAT."""
    return f'"{value}"' if value != value.strip() or value[:1] == '"' or value[-1:] == '"' else value


def parse(text: str, file: str = "stanza") -> list[Stanza]:
    """Read a stanza file; ListFileError for a line that is neither a header nor attr=value, or for no objtype.

    Attributes before the first header are ignored, a header that comes twice adds to the first, and
    `default-TYPE` lends its values to the objects after it, at their objtype line: all as in xCAT.
    """
    reader = _Reader(file)
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            reader.read(stripped, number)
    return reader.stanzas()


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._objects: dict[str, Values] = {}
        self._headers: dict[str, int] = {}
        self._defaults: dict[str, Values] = {}
        self._name = ""

    def read(self, line: str, number: int) -> None:
        if line.endswith(":") and "=" not in line:
            self._name = line[:-1].strip()
            self._headers.setdefault(self._name, number)
            self._objects.setdefault(self._name, {})
        elif "=" in line:
            self._attribute(*line.split("=", 1))
        else:
            raise ListFileError(
                self._file, number, f"'{line}' is neither a header nor an attribute", hint="NAME:  or  attribute=value"
            )

    def _attribute(self, key: str, value: str) -> None:
        key, value = key.strip(), _unquoted(value.strip())
        if not self._name:
            return
        default = _DEFAULT.fullmatch(self._name)
        if default:
            self._defaults.setdefault(default[1], {})[key] = value
            return
        values = self._objects[self._name]
        values[key] = value
        if key == "objtype":
            values |= self._defaults.get(value, {})

    def stanzas(self) -> list[Stanza]:
        real = {name: values for name, values in self._objects.items() if not _DEFAULT.fullmatch(name)}
        return [self._stanza(name, values) for name, values in real.items()]

    def _stanza(self, name: str, values: Mapping[str, str]) -> Stanza:
        if not values.get("objtype"):
            message = f"No objtype value was specified for '{name}'."
            raise ListFileError(self._file, self._headers[name], message, hint="objtype=osimage")
        return Stanza(values["objtype"], name, {key: value for key, value in values.items() if key != "objtype"})


def _unquoted(value: str) -> str:
    return value.removeprefix('"').removesuffix('"')
