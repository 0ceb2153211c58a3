"""Read YAML as plain values with their line and column. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sbkernel.definitions.importing.found import Note, Where
from sbkernel.errors import ListFileError


class Pair(NamedTuple):
    """One entry of a mapping."""

    where: Where
    """The place of its key."""
    value: Any
    """A node of PyYAML."""


class Yaml:
    """One YAML file, and notes about what was not understood."""

    def __init__(self, text: str, file: str) -> None:
        import yaml

        self._file = file
        self.notes: list[Note] = []
        try:
            self._loader = yaml.SafeLoader(text)
            self.root = self._loader.get_single_node()
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or "it is nested too deeply or holds characters YAML refuses"
            raise ListFileError(file, mark.line + 1 if mark else 1, f"not YAML: {problem}") from None

    def where(self, node: Any) -> Where:
        """Return the place where a node begins."""
        return Where(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def note(self, where: Where, text: str) -> None:
        """Remember something that is not understood."""
        self.notes.append(Note(where, text))

    def mapping(self, node: Any, what: str) -> dict[str, Pair]:
        """Return the entries of a mapping, with those of <<. Notes anything else that is not empty."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            if node is not None and not self._is_null(node):
                self.note(self.where(node), f"{what} is not a mapping")
            return {}
        return dict(self._pairs(node, what))

    def _pairs(self, node: Any, what: str) -> Iterator[tuple[str, Pair]]:
        import yaml

        own = [self.text(key, f"a key of {what}") for key, _ in node.value]
        for number, (key, _) in enumerate(node.value):
            if own[number] in own[:number]:
                self.note(self.where(key), f"{what} has {own[number]} twice; the later one holds")
        try:
            self._loader.flatten_mapping(node)
        except (yaml.YAMLError, RecursionError):
            self.note(self.where(node), f"{what} has a << that cannot be followed")
        return ((self.text(key, f"a key of {what}"), Pair(self.where(key), value)) for key, value in node.value)

    def text(self, node: Any, what: str) -> str:
        """Return a scalar as it is written; "" for null. Notes anything else."""
        import yaml

        if isinstance(node, yaml.ScalarNode):
            return "" if self._is_null(node) else str(node.value)
        self.note(self.where(node), f"{what} is not a single value")
        return ""

    def texts(self, node: Any, what: str) -> list[str]:
        """Return a list of scalars, or the words of one scalar."""
        import yaml

        if isinstance(node, yaml.SequenceNode):
            return [text for one in node.value if (text := self.text(one, what))]
        return self.text(node, what).split()

    def _is_null(self, node: Any) -> bool:
        return bool(node.tag == "tag:yaml.org,2002:null")
