"""Values computed from the node's name: `|regex|replacement|` and `|replacement|` (xCAT: xcatdb(5)). Pure.

In a replacement $1 is what the first bracket of the regex matched, and (...) is reckoned in whole numbers. Without a
regex, $1, $2 ... are the numbers in the node's name. A regex that does not match leaves the name itself.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

_GROUP = re.compile(r"\$\{?(\d+)\}?")
_NUMBER_IN_NAME = r"[\D0]*(\d+)"
_BIGGEST = 10**18


def is_expression(value: str) -> bool:
    """Say whether a value is computed from the node's name."""
    return len(value) > 2 and value[0] == value[-1] == "|"


def evaluate(value: str, node: str) -> str:
    """Return what a value means for a node; "" for an expression that cannot be reckoned."""
    if not is_expression(value):
        return value
    regex, bar, replacement = value[1:-1].partition("|")
    if not bar:
        regex, replacement = _numbers_of(node), regex
    try:
        return _substituted(regex, _reckoned(regex, replacement, node), node)
    except (re.error, IndexError, SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return ""


@functools.cache
def _numbers_of(node: str) -> str:
    return _NUMBER_IN_NAME * len(re.findall(_NUMBER_IN_NAME, node)) + ".*$"


def _substituted(regex: str, replacement: str, node: str) -> str:
    """Replace the first match, as perl's s/// does."""

    def filled(match: re.Match[str]) -> str:
        return _GROUP.sub(lambda group: match[int(group[1])] or "", replacement)

    return re.sub(regex, filled, node, count=1)


def _reckoned(regex: str, replacement: str, node: str) -> str:
    """Replace every (...) of the replacement by its value."""
    while (found := _bracket(replacement)) is not None:
        start, end = found
        value = _arithmetic(_substituted(regex, replacement[start:end], node))
        replacement = f"{replacement[:start]}{value}{replacement[end:]}"
    return replacement


def _bracket(text: str) -> tuple[int, int] | None:
    """Return where the first (...) begins and ends, its inner ones included."""
    start, depth = text.find("("), 0
    for at in range(max(start, 0), len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if start >= 0 and depth == 0:
            return start, at + 1
    return None


def _arithmetic(text: str) -> int:
    """Reckon + - * / % of whole numbers; a leading zero is no octal sign."""
    import ast

    plain = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    return _value(ast.parse(plain.strip(), mode="eval").body)


def _value(node: ast.AST) -> int:
    import ast

    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        return _bounded(type(node.op).__name__, _value(node.left), _value(node.right))
    raise ValueError("not arithmetic")


def _bounded(operation: str, left: int, right: int) -> int:
    """Reckon as perl does under `use integer`: a quotient loses its fraction."""
    if operation == "Div":
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    results = {"Add": left + right, "Sub": left - right, "Mult": left * right, "Mod": left % right if right else None}
    result = results.get(operation)
    if result is None or abs(result) > _BIGGEST:
        raise ValueError("not arithmetic")
    return result
