"""The parameters that a notebook declares, and their values.

Papermill only warns about unknown names, turns `-p x false` into a string, which is true, and `0012` into 12. Here the
annotation decides, and what does not fit is refused before anything runs.
"""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import RecordError

_TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell."""

    name: str
    annotation: str
    default: str
    help: str

    @property
    def type(self) -> Any:
        """Return the type of the annotation; Any if it is missing or unknown."""
        return _type(self.annotation)

    @property
    def value(self) -> Any:
        """Return the default as a value, or None if it is not a literal."""
        try:
            return ast.literal_eval(self.default)
        except (SyntaxError, ValueError):
            return None


def _type(annotation: str) -> Any:
    outer, bracket, inner = annotation.replace(" ", "").partition("[")
    if outer not in _TYPES:
        return Any
    if not bracket:
        return _TYPES[outer]
    arguments = tuple(_type(part) for part in inner.removesuffix("]").split(","))
    return _TYPES[outer][arguments]


def declared(notebook: Path) -> dict[str, Parameter]:
    """Return the parameters that the cell tagged `parameters` declares, in order. Raises RecordError if it is none."""
    import papermill  # takes a second, and listing what was scheduled or run needs none of it

    try:
        found = papermill.inspect_notebook(str(notebook))
    except ValueError as error:  # no JSON, or no language
        raise RecordError(f"{notebook} is no notebook that can run: {error}") from None
    return {
        name: Parameter(name, entry["inferred_type_name"], entry["default"], entry["help"])
        for name, entry in found.items()
    }


def from_text(parameter: Parameter, text: str) -> Any:
    """Read a word of the command line as the type that the parameter declares."""
    if parameter.type is str or parameter.type is Any:
        return text
    if parameter.type is bool:
        if text.lower() not in _WORDS:
            raise _wrong(parameter, text)
        return _WORDS[text.lower()]
    if parameter.type is int or parameter.type is float:
        try:
            return parameter.type(text)
        except ValueError:
            raise _wrong(parameter, text) from None
    with suppress(ValueError):
        found = json.loads(text)  # as as_text writes it: YAML knows not every character, and is slow to import
        if isinstance(found, list | dict):
            return found
    import yaml

    try:
        return yaml.safe_load(text if text.lstrip().startswith(("[", "{")) else f"[{text}]")
    except yaml.YAMLError:
        raise _wrong(parameter, text) from None


def as_text(value: Any) -> str:
    """Return a value as a word that `from_text` reads as it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def find(known: Mapping[str, Parameter], name: str) -> Parameter:
    """Return the parameter of a name. Raises RecordError, which suggests similar names."""
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"It has: {', '.join(known) or 'none'}."
    raise RecordError(f"the notebook has no parameter {name!r}", hint=hint)


def validate(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values if all names are declared and all values have their types. Raises RecordError."""
    return {name: _checked(find(known, name), value) for name, value in values.items()}


def _checked(parameter: Parameter, value: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    try:
        return TypeAdapter(parameter.type, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        raise _wrong(parameter, value) from None


def _wrong(parameter: Parameter, value: Any) -> RecordError:
    kind = parameter.annotation
    return RecordError(f"parameter {parameter.name} must be {kind}, not {value!r}", hint=parameter.help or None)
