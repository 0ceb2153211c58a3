"""Options as xCAT's verbs read them: in any place, bundled (-lz), long ones abbreviated, values attached or apart.

Pure: words in, values out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple


class OptionError(ValueError):
    """An unknown option, or a value that is missing or wrong."""


class Option(NamedTuple):
    """One option: its spellings, and the name of its value."""

    flags: tuple[str, ...]
    name: str
    value: str = ""
    """Name of the value in the usage; empty if the option has none."""
    many: bool = False
    optional: bool = False
    """The value may be missing, and is then an empty string."""
    numbers: range | None = None
    """The value must be one of these numbers."""

    @property
    def unset(self) -> Any:
        """Return the value if the option is not given."""
        if self.many:
            return ()
        return None if self.value else False


ANY_NUMBER = range(10**12)
FILE = "FILE"
"""The value of an option that is a path, and so not empty."""


def flag(*flags: str, name: str) -> Option:
    """Return an option without a value."""
    return Option(flags, name)


def parse_options(options: Sequence[Option], words: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values of options by name, and the other words. Raises OptionError."""
    reader = _Reader(options, words)
    return reader.values, tuple(reader.read())


class _Reader:
    def __init__(self, options: Sequence[Option], words: Sequence[str]) -> None:
        self._known = {flag: option for option in options for flag in option.flags}
        self._left = list(reversed(words))
        self.values: dict[str, Any] = {}

    def read(self) -> Iterator[str]:
        while self._left:
            word = self._left.pop()
            if word == "--":
                yield from reversed(self._left)
                return
            if word.startswith("--") or word in self._known:
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._short(word)
            else:
                yield word

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._named(name)
        if equals and not option.value:
            raise OptionError(f"Option '{name}' does not take a value.")
        self._take(option, name, value if equals else None)

    def _named(self, name: str) -> Option:
        if name in self._known:
            return self._known[name]
        meant = {option for flag, option in self._known.items() if flag.startswith(name)}
        if len(meant) > 1:
            raise OptionError(f"Option '{name}' is ambiguous.")
        if not meant:
            raise OptionError(f"Unknown option: {name.lstrip('-')}")
        return meant.pop()

    def _short(self, word: str) -> None:
        rest = word[1:]
        while rest:
            name, rest = f"-{rest[0]}", rest[1:]
            if name not in self._known:
                raise OptionError(f"Unknown option: {name.lstrip('-')}")
            option = self._known[name]
            if option.value:
                self._take(option, name, rest or None)
                return
            self._take(option, name, None)

    def _take(self, option: Option, name: str, value: str | None) -> None:
        if not option.value:
            self.values[option.name] = True
            return
        given = _checked(option, name, self._next(option, name) if value is None else value)
        self.values[option.name] = (*self.values.get(option.name, ()), given) if option.many else given

    def _next(self, option: Option, name: str) -> str:
        if self._left and not (option.optional and self._left[-1].startswith("-")):
            return self._left.pop()
        if option.optional:
            return ""
        raise OptionError(f"Option '{name}' requires an argument.")


def _checked(option: Option, name: str, value: str) -> str | int:
    if option.value == FILE and not value:
        raise OptionError(f"Option '{name}' requires an argument.")
    if option.numbers is None:
        return value
    if not (value.isascii() and value.isdigit() and int(value) in option.numbers):
        raise OptionError(f"Option '{name}' takes a number from {option.numbers[0]} to {option.numbers[-1]}.")
    return int(value)
