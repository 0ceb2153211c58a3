"""A secret value, which prints as ***, and references that say where a secret is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from sbkernel.errors import DefinitionError, ToolMissingError

HIDDEN = "***"
"""What listings show instead of a secret. In mkdef, chdef and imports it means "keep what is stored"."""
REFERENCES = ("env:", "file:", "keyring:")
"""The beginnings of values that say where the secret is. Such a value is not secret itself."""

_PLAIN = "text:"
_SERVICE = "sbkernel"  # the service name of our secrets in the system keyring: keyring set sbkernel NAME


class Secret:
    """A password or key. It prints as *** and cannot be pickled. Only `reveal` returns the value."""

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
    """Return a literal value in the form in which it is stored, so that it is not read as a reference or as ***."""
    return _PLAIN + value if value == HIDDEN or value.startswith((*REFERENCES, _PLAIN)) else value


def is_reference(value: str) -> bool:
    """Tell whether a stored value only says where the secret is."""
    return value.startswith(REFERENCES)


def shown(value: str) -> str:
    """Return what is printed for a stored secret: a reference as it is, anything else as ***."""
    return value if not value or is_reference(value) else HIDDEN


def resolve(value: str) -> Secret:
    """Return the secret that a stored value holds or refers to.

    env:NAME is a variable, file:PATH the first line of a file, keyring:NAME an entry in the system keyring, text:VALUE
    the literal VALUE. Anything else is the secret itself. Raises DefinitionError if it cannot be read.
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
        # Name only the kind of error: its text may quote the secret.
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
