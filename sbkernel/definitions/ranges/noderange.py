"""Noderange: xCAT's way to name nodes (noderange(3)). Pure: a Universe knows what exists.

a,b  union     -a  taken away at the end     a@b  intersection     (a,b)@c  grouping
name, group, n01-n10, n01:n10, n[01-03,07]r[1-2], n10+3, /regex, ^/path/file, table.column==value (!= =~ !~),
and 5, 5-7, 5+2 for node5 ...
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from sbkernel.definitions.ranges.rangetext import Atom, Term, Union, fault, parse
from sbkernel.definitions.ranges.spell import MOST, spelled
from sbkernel.definitions.regex import compiled
from sbkernel.errors import DefinitionError, NotFoundError

_NAMED = 100
"""An error shows this many unknown names."""

_FILES_DEEP = 20

Names = dict[str, None]
"""A set that keeps the order of the names."""


class Universe(Protocol):
    """What a noderange is read against."""

    def existing(self, names: Collection[str]) -> set[str]:
        """Return those of `names` that are nodes."""

    def groups(self, names: Collection[str]) -> set[str]:
        """Return those of `names` that are groups."""

    def members(self, group: str) -> list[str]:
        """Return the nodes of a group."""

    def all_nodes(self) -> list[str]:
        """Return the names of all nodes."""

    def where(self, selection: str) -> list[str] | None:
        """Return the nodes for which `table.column==value` holds, or None if there is no such column."""

    def read(self, path: str) -> str:
        """Return the text of a file with nodes in it."""


class Nothing:
    """A universe without nodes."""

    def existing(self, _names: Collection[str]) -> set[str]:
        """Return nothing."""
        return set()

    groups = existing

    def members(self, _group: str) -> list[str]:
        """Return nothing."""
        return []

    def all_nodes(self) -> list[str]:
        """Return nothing."""
        return []

    def where(self, _selection: str) -> list[str] | None:
        """Return nothing."""
        return None

    def read(self, path: str) -> str:
        """Refuse to read."""
        raise DefinitionError(f"{path}: a file cannot be read here")


def noderange(text: str, universe: Universe) -> list[str]:
    """Return the nodes that `text` names, sorted. Raises NotFoundError with all unknown names.

    Wrong syntax raises a DefinitionError that points at it. A selection by an unknown column selects no nodes, as in
    xCAT, but it cannot be used to exclude nodes.
    """
    evaluation = _Evaluation(universe, _read(text, universe))
    nodes = evaluation.names()
    if evaluation.unknown:
        raise NotFoundError(f"Invalid nodes and/or groups in noderange: {_list(evaluation.unknown)}")
    return sorted(nodes)


def names(text: str, universe: Universe, where: str = "") -> list[str]:
    """Return the names that `text` stands for, in its order. A name that is neither a node nor a group is a new name.

    `where` tells errors where the text comes from.
    """
    return list(_Evaluation(universe, _read(text, universe, where)).names())


def expand(text: str) -> list[str]:
    """Return the names that `text` spells, in its order, whether such nodes exist or not."""
    return names(text, Nothing())


def _list(unknown: Collection[str]) -> str:
    more = len(unknown) - _NAMED
    return ",".join(list(unknown)[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _read(text: str, universe: Universe, where: str = "") -> Union:
    tree = parse(text, where)
    return _loaded(tree, universe, ()) if "^" in text else tree


def _loaded(union: Union, universe: Universe, files: tuple[str, ...]) -> Union:
    """Replace the names of files by what they contain."""
    return Union(
        tuple(
            part._replace(factors=tuple(_loaded_factor(factor, universe, files) for factor in part.factors))
            for part in union.parts
        )
    )


def _loaded_factor(factor: Atom | Union, universe: Universe, files: tuple[str, ...]) -> Atom | Union:
    if isinstance(factor, Union):
        return _loaded(factor, universe, files)
    if not factor.text.startswith("^"):
        return factor
    path = factor.text[1:]
    if path in files or len(files) > _FILES_DEEP:
        raise fault(f"{path} reads itself", factor.line, factor.at)
    parts: list[Term] = []
    for number, word in _words(universe.read(path)):
        parts += _loaded(parse(word, f"{path}:{number}"), universe, (*files, path)).parts
    return Union(tuple(parts))


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first word of every line that does not begin with # or ^. A colon ends a word, as a blank does."""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.replace(":", " ").split(None, 1)
        if words and not line.startswith(("#", "^")):
            yield number, words[0]


class _Evaluation:
    """Evaluates a tree. It looks up all words together, so that a long list needs only a few queries."""

    def __init__(self, universe: Universe, tree: Union) -> None:
        self._universe = universe
        self._tree = tree
        self._left = MOST
        self.unknown: Names = {}
        self._found: dict[str, Iterable[str]] = {}
        self._look_up({atom.text: atom for atom in _atoms(tree)})

    def names(self) -> Names:
        """Return the names that the whole noderange stands for."""
        return self._union(self._tree, excluded=False)

    def _union(self, tree: Union, *, excluded: bool) -> Names:
        nodes: Names = {}
        without: Names = {}
        for part in tree.parts:
            names = self._intersection(part, excluded=excluded or part.excluded)
            (without if part.excluded else nodes).update(dict.fromkeys(names))
        return {name: None for name in nodes if name not in without} if without else nodes

    def _intersection(self, part: Term, *, excluded: bool) -> Iterable[str]:
        first, *others = (self._factor(factor, excluded=excluded) for factor in part.factors)
        if not others:
            return first
        sets = [set(other) for other in others]
        return [name for name in first if all(name in one for one in sets)]

    def _factor(self, factor: Atom | Union, *, excluded: bool) -> Iterable[str]:
        if isinstance(factor, Union):
            return self._union(factor, excluded=excluded)
        if factor.text in self._found:
            return self._found[factor.text]
        if excluded:
            raise fault(f"no table has the column of '{factor.text}'", factor.line, factor.at)
        return ()

    def _look_up(self, atoms: dict[str, Atom]) -> None:
        nodes = self._universe.existing(atoms.keys())
        self._found = {name: (name,) for name in nodes}
        rest = [name for name in atoms if name not in nodes]
        groups = self._universe.groups(rest)
        self._found.update((group, self._universe.members(group)) for group in groups)
        ranges = {text: self._special(atoms[text]) for text in rest if text not in groups}
        self._look_up_names({text: spelt for text, spelt in ranges.items() if spelt is not None})

    def _special(self, atom: Atom) -> list[str] | None:
        """Return the names that a range spells. A /regex and a selection are looked up here."""
        try:
            if atom.text.startswith("/"):
                self._found[atom.text] = self._matching(atom.text)
            elif "=" in atom.text or "~" in atom.text:
                self._found.update(self._selected(atom.text))
            else:
                return self._spelled(atom.text)
        except DefinitionError as error:
            raise fault(error.message, atom.line, atom.at) from None
        return None

    def _matching(self, text: str) -> list[str]:
        regex = compiled(text[1:])
        return [name for name in self._universe.all_nodes() if regex.fullmatch(name)]

    def _selected(self, text: str) -> dict[str, Iterable[str]]:
        nodes = self._universe.where(text)
        return {} if nodes is None else {text: nodes}

    def _spelled(self, text: str) -> list[str]:
        spelt = spelled(text)
        self._left -= len(spelt)
        if self._left < 0:
            raise DefinitionError(f"all ranges together spell more than {MOST} names")
        return spelt

    def _look_up_names(self, ranges: dict[str, list[str]]) -> None:
        """Look up the names that ranges spell, as nodes, else as groups. The others are unknown."""
        candidates = dict.fromkeys(name for text, spelt in ranges.items() for name in spelt if name != text)
        nodes = self._universe.existing(candidates.keys()) if candidates else set()
        rest = [name for name in candidates if name not in nodes]
        groups = {group: self._universe.members(group) for group in self._universe.groups(rest)} if rest else {}
        for text, spelt in ranges.items():
            self._found[text] = [node for name in spelt for node in groups.get(name, (name,))] if groups else spelt
            self.unknown.update((name, None) for name in spelt if name not in nodes and name not in groups)


def _atoms(union: Union) -> Iterator[Atom]:
    for part in union.parts:
        for factor in part.factors:
            if isinstance(factor, Union):
                yield from _atoms(factor)
            else:
                yield factor
