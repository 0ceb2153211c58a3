"""What becomes of lines with %sb before a cell runs: statements show their value, and long work is awaited.

IPython makes calls of run_line_magic of them. A cell that awaits lets the Cancel button of a job work, and the stop
button; where no await may stand, as in a function, the magic blocks. Pure.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Sequence

from sbkernel.cli.main import VERBS
from sbkernel.cli.verb import module_of

AWAIT, SHOW = "+await", "+show"
"""Words before the verb which only this module writes."""
OWN_PROCESS = ("bench", "demo", "records rerun", "run")
"""Verbs that take over signals and event loops: they run as programs of their own."""
_CALL = re.compile(
    r"^(?P<before>\s*(?:[^\s'\"#=][^'\"#=]*=\s*)?)get_ipython\(\)\."
    r"(?P<kind>run_line_magic|run_cell_magic)\('sb', (?P<line>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
)


def with_awaits(lines: Sequence[str]) -> list[str]:
    """Return the lines of a cell with those words and awaits, wherever they may stand."""
    marked = [_marked(line, awaiting=True) for line in lines]
    if marked == list(lines) or _compiles(marked):
        return marked
    return [_marked(line, awaiting=not line[:1].isspace()) for line in lines]


def is_long(words: Sequence[str]) -> bool:
    """Tell whether a verb follows a job, or runs as a program of its own."""
    verb = next((word for word in words if word in VERBS), "")
    if runs_apart(words) or not verb:
        return bool(verb)
    return hasattr(module_of(verb), "follow")


def runs_apart(words: Sequence[str]) -> bool:
    """Tell whether a verb, or one below it, runs as a program of its own."""
    place = next((place for place, word in enumerate(words) if word in VERBS), len(words))
    return any(" ".join(words[place : place + length]) in OWN_PROCESS for length in (1, 2))


def _marked(line: str, *, awaiting: bool) -> str:
    found = _CALL.match(line)
    if not found:
        return line
    given = str(ast.literal_eval(found["line"]))
    flags = [] if found["before"].strip() else [SHOW]
    flags += [AWAIT] if awaiting and is_long(words_of(given)) else []
    if not flags:
        return line
    begin = f"{found['before']}{'await ' if AWAIT in flags else ''}get_ipython().{found['kind']}('sb', "
    return f"{begin}{' '.join([*flags, given])!r}{line[found.end() :]}"


def words_of(text: str) -> list[str]:
    """Return the words of a line, as far as they can be told while a quote is open."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _compiles(lines: Sequence[str]) -> bool:
    try:
        compile("".join(lines), "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        _only_top_level("".join(lines))
    except SyntaxError:
        return False
    return True


def _only_top_level(code: str) -> None:
    """Raise SyntaxError for an await in a function that is not async, which only the compiler proper refuses."""
    compile(code, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
