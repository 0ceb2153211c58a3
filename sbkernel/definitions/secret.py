"""Secret: a value that prints as ***, and the references that say where one is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from sbkernel.errors import DefinitionError, ToolMissingError

HIDDEN = "***"
"""What stands for a secret in every listing; mkdef, chdef and imports take it as "keep what is stored"."""
REFERENCES = ("env:", "file:", "keyring:")
"""How a value begins that says where the secret is; such a value is no secret itself."""

_PLAIN = "text:"
_SERVICE = "sbkernel"  # under which the system keyring files our secrets: keyring set sbkernel NAME


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
    """Return how a literal value is stored, so that it is not taken for a reference or for a hidden value."""
    return _PLAIN + value if value == HIDDEN or value.startswith((*REFERENCES, _PLAIN)) else value


def is_reference(value: str) -> bool:
    """Say whether a stored value only says where the secret is."""
    return value.startswith(REFERENCES)


def shown(value: str) -> str:
    """Return how a stored secret is printed: a reference as it is, all else as ***."""
    return value if not value or is_reference(value) else HIDDEN


def resolve(value: str) -> Secret:
    """Return the secret that a stored value holds or refers to.

    env:NAME is a variable, file:PATH the first line of a file, keyring:NAME an entry of the system keyring, text:VALUE
    the literal VALUE; all else is itself. DefinitionError when the place is empty or cannot be read.
    """
    kind, _, where = value.partition(":")
    if value.startswith(_PLAIN):
        return Secret(where)
    return _SOURCES[f"{kind}:"](where) if is_reference(value) else Secret(value)


def _from_environment(name: str) -> Secret:
    if name not in os.environ:
        raise DefinitionError(f"the secret is kept in ${name}, which is not set", hint=f"export {name}, then try again")
    return Secret(os.environ[name])


def _from_file(path: str) -> Secret:
    try:
        return Secret((Path(path).expanduser().read_text().splitlines() or [""])[0])
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"the secret is kept in {path}, which cannot be read: {error}") from None


def _from_keyring(name: str) -> Secret:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ToolMissingError(
            f"the secret is kept in the system keyring as {name}, and Python's keyring package is not installed",
            hint="pip install 'sbkernel[keyring]'",
        ) from None
    try:
        value = keyring.get_password(_SERVICE, name)
    except KeyringError as error:
        # Only its kind: a backend may quote what it was asked to keep.
        raise DefinitionError(
            f"the secret is kept in the system keyring as {name}, which cannot be read: {type(error).__name__}",
            hint="Is it unlocked, and does this login have one? A service has none: use file:PATH or env:NAME there.",
        ) from None
    if value is None:
        raise DefinitionError(
            f"the system keyring has no entry {name} of {_SERVICE}", hint=f"keyring set {_SERVICE} {name}"
        )
    return Secret(value)


_SOURCES = {"env:": _from_environment, "file:": _from_file, "keyring:": _from_keyring}
