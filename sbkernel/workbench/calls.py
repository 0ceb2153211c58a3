"""What a panel stands for: the Python and the command line that do the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from markupsafe import Markup

from sbkernel.workbench.html import MONO, MUTED, details, el, span, table


class Call(NamedTuple):
    """One thing that a panel shows or does, as Python and as a command line."""

    what: str
    python: str
    command: str


class Code(str):
    """An argument that is Python, and not the text that it is made of."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def call(
    what: str, function: Callable[..., Any], *arguments: object, sb: Iterable[str], on: str = "site", **named: object
) -> Call:
    """Return a call of a function with `on` and these arguments, and the words behind `sb` that do the same.

    The module and the name are the function's own, so that they are right after it was moved, too.
    """
    given = [on, *map(repr, arguments), *(f"{name}={value!r}" for name, value in named.items())]
    name = function.__qualname__
    return Call(what, f"from {function.__module__} import {name}\n{name}({', '.join(given)})", command(*sb))


def command(*words: str) -> str:
    """Return a command line with words quoted where a shell needs it."""
    return shlex.join(["sb", *words])


def shown(calls: Iterable[Call]) -> Markup | None:
    """Return the calls as a part that opens below a panel; None if there are none."""
    rows = [(one.what, _code(one.python), _code(one.command)) for one in calls]
    if not rows:
        return None
    return details(span("Python and command line", style=MUTED), table(["what", "Python", "command line"], rows))


def _code(text: str) -> Markup:
    return el("code", text, style=f"{MONO};font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere")
