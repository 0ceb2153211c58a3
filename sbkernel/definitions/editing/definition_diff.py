"""How two definitions differ: in their attributes, and in the lines of the list files that they name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sbkernel.definitions.clone import WITH_INCLUDES
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.listpaths import rebase_includes

if TYPE_CHECKING:
    import pandas as pd

LISTS = ("pkglist", "otherpkglist", "exlist", "synclists", "postinstall")
"""Attributes of an osimage that name files, in the order in which they are used."""


class ListFile(NamedTuple):
    """One list file of an osimage."""

    attribute: str
    path: Path

    def read(self) -> str:
        """Return its text, with includes as full paths, or why it cannot be read."""
        try:
            text = self.path.read_text(errors="replace")
        except OSError as error:
            return f"({error.strerror})"
        return rebase_includes(text, self.path.parent) if self.attribute in WITH_INCLUDES else text


class Difference(NamedTuple):
    """One attribute that differs, as it may be printed."""

    attribute: str
    a: str
    b: str


class DefinitionDiff:
    """Two definitions and how they differ. It is true if they do."""

    def __init__(self, a: Definition, b: Definition) -> None:
        self.a, self.b = a, b
        self.attributes = tuple(_attributes(a, b))
        """The attributes that differ."""
        self.lists = tuple(_lists(a, b))
        """(attribute, unified diff) of the list files whose content differs."""

    @property
    def df(self) -> pd.DataFrame:
        """Return the attributes that differ as a DataFrame: a row for each attribute, a column for each definition."""
        import pandas as pd

        rows = [(one.a, one.b) for one in self.attributes]
        index = pd.Index([one.attribute for one in self.attributes], name="attribute", dtype=str)
        return pd.DataFrame(rows, index=index, columns=[self.a.name, self.b.name], dtype=str)

    @property
    def text(self) -> str:
        """Return all differences in the form of a unified diff."""
        lines = [line for one in self.attributes for line in _lines_of(one)]
        head = [f"--- {self.a.objtype} {self.a.name}", f"+++ {self.b.objtype} {self.b.name}"] if lines else []
        return "\n".join([*head, *lines, *(text for _, text in self.lists)])

    def __bool__(self) -> bool:
        return bool(self.attributes or self.lists)

    def __repr__(self) -> str:
        return self.text or f"{self.a.name} and {self.b.name} are the same"


def list_files(image: Definition) -> list[ListFile]:
    """Return the list files of an osimage in the order in which they are used, and scripts without their arguments."""
    named = ((attribute, image.get(attribute)) for attribute in LISTS)
    return [
        ListFile(attribute, Path(element.split()[0]))
        for attribute, value in named
        for element in value.split(",")
        if element.strip()
    ]


def _attributes(a: Definition, b: Definition) -> Iterator[Difference]:
    shown_a, shown_b = a.attributes.shown(), b.attributes.shown()
    for key in sorted({*a.attributes, *b.attributes}):
        if a.get(key) != b.get(key):
            yield Difference(key, shown_a.get(key, ""), shown_b.get(key, ""))


def _lists(a: Definition, b: Definition) -> Iterator[tuple[str, str]]:
    for attribute in LISTS:
        for one, other in zip_longest(_named(a, attribute), _named(b, attribute)):
            if text := _unified(one, other):
                yield attribute, text


def _named(image: Definition, attribute: str) -> list[ListFile]:
    return [file for file in list_files(image) if file.attribute == attribute]


def _unified(one: ListFile | None, other: ListFile | None) -> str:
    before, after = (_lines(file) for file in (one, other))
    source, target = (str(file.path) if file else "/dev/null" for file in (one, other))
    return "\n".join(difflib.unified_diff(before, after, source, target, n=1, lineterm=""))


def _lines(file: ListFile | None) -> list[str]:
    return file.read().splitlines() if file else []


def _lines_of(one: Difference) -> Iterator[str]:
    for sign, value in (("-", one.a), ("+", one.b)):
        if value:
            yield f"{sign}{one.attribute}={value}"
