"""The arithmetic in the parentheses of a computed value: whole numbers, text, xCAT's functions (xcatdb(5)). Pure.

sum := product {("+" | "-") product}    product := factor {("*" | "/" | "%") factor}
factor := ["-" | "+"] factor | number | $n | 'text' | "text" | function "(" sum {"," sum} ")" | "(" sum ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sbkernel.definitions.computed.functions import FUNCTIONS, Value, number
from sbkernel.errors import DefinitionError

_DEEPEST = 50
"""More nested parentheses than anybody writes. The parser recurses."""

_BIGGEST = 10**18
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+)|\$(?P<group>\d+)|\$\{(?P<braced>\d+)\}|(?P<name>[A-Za-z_]\w*)"
    r"|'(?P<text>[^'\\]*)'|\"(?P<quoted>[^\"\\$@]*)\"|(?P<sign>\S))",
    re.ASCII,
)
_BEGINNINGS = (("sign", "("), ("sign", "-"), ("sign", "+"))


class Op(NamedTuple):
    """One operation on a stack: push a value or a group of the regex, or replace `takes` values by their result."""

    does: str
    value: Value = 0
    takes: int = 0


def parse(text: str) -> tuple[Op, ...]:
    """Return the operations that the text between two parentheses means. Raises DefinitionError for wrong syntax."""
    reader = _Reader(text)
    reader.sum(depth=0)
    if reader.kind:
        raise reader.fault()
    return tuple(reader.steps)


def reckon(steps: Sequence[Op], groups: Sequence[str]) -> str:
    """Return the result. `groups` are those of the match. Raises DefinitionError, such as for a division by zero."""
    stack: list[Value] = []
    for step in steps:
        if step.does == "value":
            stack.append(step.value)
        elif step.does == "group":
            stack.append(groups[int(step.value)])
        else:
            taken = stack[len(stack) - step.takes :]
            del stack[len(stack) - step.takes :]
            stack.append(_done(step.does, taken))
    return str(stack[0])


def _done(does: str, taken: Sequence[Value]) -> Value:
    result = FUNCTIONS[does].call(*taken) if does in FUNCTIONS else _OPERATORS[does](*map(number, taken))
    if isinstance(result, int) and abs(result) > _BIGGEST:
        raise DefinitionError("a number becomes too big")
    return result


def _quotient(left: int, right: int) -> int:
    """Divide as Perl does under `use integer`: the fraction is dropped."""
    if right == 0:
        raise DefinitionError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    """Return the remainder. It has the sign of `left`, as in Perl under `use integer`."""
    return left - right * _quotient(left, right)


_OPERATORS: dict[str, Callable[..., int]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "%": _remainder,
    "negate": lambda value: -value,
}


class _Reader:
    """A recursive descent parser that looks one word ahead. It collects operations in postfix order."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.steps: list[Op] = []
        self._advance()

    def sum(self, depth: int) -> None:
        self._chain("+-", self._product, depth)

    def _product(self, depth: int) -> None:
        self._chain("*/%", self._factor, depth)

    def _chain(self, signs: str, part: Callable[[int], None], depth: int) -> None:
        part(depth)
        while self.kind == "sign" and self._word in signs:
            sign = self._taken()
            part(depth)
            self.steps.append(Op(sign, takes=2))

    def _factor(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise DefinitionError(f"more than {_DEEPEST} parentheses or signs in one another")
        kind, word = self.kind, self._word
        if (kind, word) not in _BEGINNINGS and kind in ("", "sign"):
            raise self.fault()
        self._taken()
        if kind == "name":
            self._call(word, depth)
        elif word == "(" and kind == "sign":
            self.sum(depth + 1)
            self._expect(")")
        elif kind == "sign":
            self._factor(depth + 1)
            self.steps += [Op("negate", takes=1)] if word == "-" else []
        else:
            self.steps.append(_operand(kind, word))

    def _call(self, name: str, depth: int) -> None:
        if name not in FUNCTIONS:
            raise DefinitionError(f"there is no function {name}", hint=f"There are {', '.join(sorted(FUNCTIONS))}.")
        self._expect("(")
        self.sum(depth + 1)
        count = 1
        while (self.kind, self._word) == ("sign", ","):
            self._taken()
            self.sum(depth + 1)
            count += 1
        self._expect(")")
        FUNCTIONS[name].check(name, count)
        self.steps.append(Op(name, takes=count))

    def _expect(self, sign: str) -> None:
        if (self.kind, self._word) != ("sign", sign):
            raise self.fault()
        self._taken()

    def _taken(self) -> str:
        word = self._word
        self._advance()
        return word

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        self.kind = (match.lastgroup or "") if match else ""
        self._word = match[self.kind] if match else ""
        self._at = match.end() if match else len(self._text)

    def fault(self) -> DefinitionError:
        """Return an error that shows what was not expected."""
        what = f"'{self._word}' is not expected" if self.kind else "something is missing at the end"
        return DefinitionError(f"{what} in '({self._text})'")


def _operand(kind: str, word: str) -> Op:
    if kind in ("group", "braced"):
        return Op("group", int(word))
    if kind == "number":
        if word != "0" and word.startswith("0"):
            raise DefinitionError(f"{word} is an octal number in xCAT", hint="Write it without leading zeros.")
        return Op("value", int(word))
    return Op("value", word)
