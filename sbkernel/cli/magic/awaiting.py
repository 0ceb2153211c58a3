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
_APART = (("bench",), ("demo",), ("run",), ("records", "rerun"), ("schedule", "run"))
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


def without_site(words: Sequence[str]) -> Sequence[str]:
    """Return the verb and the words after it."""
    return words[2:] if words[:1] == ["--site"] else words


def runs_apart(words: Sequence[str]) -> bool:
    """Tell whether a verb takes over signals and event loops, and so runs as a program of its own."""
    said = tuple(without_site(words))
    return any(said[: len(one)] == one for one in _APART)


def is_long(words: Sequence[str]) -> bool:
    """Tell whether a verb follows a job, or runs as a program of its own."""
    verb = next(iter(without_site(words)), "")
    return runs_apart(words) or (verb in VERBS and hasattr(module_of(verb), "follow"))


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
