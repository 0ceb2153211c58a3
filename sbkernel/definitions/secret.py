"""Secret: a value that prints as ***, and the references that say where one is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from sbkernel.errors import DefinitionError

_PLAIN = "text:"
REFERENCES = ("env:", "file:")


class Secret:
    """A password or key. It prints as ***, cannot be pickled, and gives its value only to `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; pass where it is kept instead")


def stored(value: str) -> str:
    """Return how a literal value is stored, so that it is not taken for a reference."""
    return _PLAIN + value if value.startswith((*REFERENCES, _PLAIN)) else value


def resolve(value: str) -> Secret:
    """Return the secret that a stored value holds or refers to: env:NAME, file:PATH (its first line), else itself."""
    where = value.partition(":")[2]
    if value.startswith(_PLAIN):
        return Secret(where)
    if value.startswith("env:"):
        return _from_environment(where)
    if value.startswith("file:"):
        return _from_file(where)
    return Secret(value)


def _from_environment(name: str) -> Secret:
    if name not in os.environ:
        raise DefinitionError(f"the secret is kept in ${name}, which is not set", hint=f"export {name}, then try again")
    return Secret(os.environ[name])


def _from_file(path: str) -> Secret:
    try:
        return Secret((Path(path).expanduser().read_text().splitlines() or [""])[0])
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"the secret is kept in {path}, which cannot be read: {error}") from None
