"""The functions in computed values: sprintf, and xCAT's helper functions for numbering (xcatdb(5)). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from sbkernel.errors import DefinitionError

Value = int | str
"""A number, or text, such as a group of the match. Text keeps its leading zeros until it is used as a number."""

_NUMBER = re.compile(r"\s*[-+]?\d{1,18}\s*", re.ASCII)
_DIRECTIVE = re.compile(r"%(?:%|([-+ 0#]*)(\d{0,3})(?:\.(\d{1,3}))?([a-zA-Z]))", re.ASCII)
_BYTE = 256


class Function(NamedTuple):
    """A function, and how many arguments it takes."""

    call: Callable[..., Value]
    fewest: int
    most: int

    def check(self, name: str, count: int) -> None:
        """Refuse a call with too few or too many arguments."""
        if not self.fewest <= count <= self.most:
            wanted = self.fewest if self.fewest == self.most else f"at least {self.fewest}"
            raise DefinitionError(f"{name} takes {wanted} values, not {count}")


def number(value: Value) -> int:
    """Return a value as a number: 7 for 007, 0 for an empty text. Raises DefinitionError for other text."""
    if isinstance(value, str):
        if value.strip() and not _NUMBER.fullmatch(value):
            raise DefinitionError(f"'{value}' is not a number")
        return int(value.strip() or 0)
    return value


def _sprintf(form: Value, *values: Value) -> str:
    """Format values: %d %s %x %X %o %c, with flags, width and precision."""
    left = list(values)

    def written(match: re.Match[str]) -> str:
        if match[4] is None:
            return "%"
        if match[4] not in "diusxXoc" or not left:
            raise DefinitionError(f"sprintf: '{match[0]}' " + ("is not known" if left else "has no value"))
        return _written(match, left.pop(0))

    return _DIRECTIVE.sub(written, str(form))


def _written(match: re.Match[str], value: Value) -> str:
    if match[4] == "s":
        return match[0] % str(value)
    if match[4] in "xXoc" and not 0 <= number(value) < (0x110000 if match[4] == "c" else 1 << 63):
        raise DefinitionError(f"sprintf: {value} cannot be written with '{match[0]}'")
    return match[0] % number(value)


def _letter(value: Value, first: int) -> int:
    """Return the position of a letter in the alphabet. The position of a is `first`."""
    letter = str(value).lower()
    if not re.fullmatch("[a-z].*", letter):
        raise DefinitionError(f"'{value}' does not begin with a letter")
    return ord(letter[0]) - ord("a") + first


def _dim2idx(*values: Value) -> int:
    """Return the index, from 1, of a position in several dimensions: position, size, position, size, position ..."""
    index = number(values[0]) - 1
    for size, place in zip(values[1::2], values[2::2], strict=False):
        index = index * number(size) + number(place) - 1
    return index + 1


def _skip(value: Value, skips: Value) -> int:
    """Return an index that leaves out some numbers, `start[:count],...`; -1 for a number that is left out."""
    index = left = number(value)
    for element in str(skips).split(","):
        start, _, count = element.partition(":")
        first, many = number(start), number(count or 1)
        if index < first:
            break
        if index < first + many:
            return -1
        left -= many
    return left


def _ipadd(*values: Value) -> str:
    """Add to an IPv4 address: its four bytes, the number to add, how many low and how many high last bytes to skip."""
    one, two, three, four, add, first, last = map(number, values)
    size = _BYTE - first - last
    if size <= 0 or add < 0:
        raise DefinitionError("ipadd: there is no such address")
    offset = max(four - first, 0) + add
    return f"{one}.{two}.{three + offset // size}.{offset % size + first}"


def _mknum(value: Value) -> int:
    """Return the sum of the bytes of a text, to distribute nodes whose names have no numbers."""
    return sum(str(value).encode())


_ANY = 100
FUNCTIONS = {
    "a2idx": Function(lambda value: _letter(value, 1), 1, 1),
    "a2zidx": Function(lambda value: _letter(value, 0), 1, 1),
    "dim2idx": Function(_dim2idx, 1, _ANY),
    "ipadd": Function(_ipadd, 7, 7),
    "mknum": Function(_mknum, 1, 1),
    "skip": Function(_skip, 2, 2),
    "sprintf": Function(_sprintf, 1, _ANY),
}
