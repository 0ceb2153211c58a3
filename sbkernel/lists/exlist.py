"""exlist: what packimage leaves out of the image (grammar and matching: xCAT's packimage, find -path)."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sbkernel.lists.text import Line, read, split

ALWAYS = ("./etc/init.d/statelite", "./etc/rc.sysinit.backup", "./.statelite*", "./.default*", "./.statebackup*")
"""What xCAT leaves out whatever the list says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Exlist:
    """Patterns such as `./usr/share/doc*`; `*` matches `/` too. A path that `include` matches stays."""

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    warnings: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    def matcher(self) -> Callable[[str], bool]:
        """Return a function that says whether a path such as `./usr/share/doc/bash` is left out."""
        out, keep = _regex((*ALWAYS, *self.exclude)), _regex(self.include)
        return lambda path: bool(out.match(path)) and not keep.match(path)


def load(files: Sequence[Path | str]) -> Exlist:
    """Read list files; their order does not matter: includes win over excludes."""
    return _parse(line for file in files for line in read(Path(file), "exlist"))


def parse(text: str, file: str = "exlist") -> Exlist:
    """Parse the text of one list whose includes are already spliced in."""
    return _parse(split(file, text))


def render(exlist: Exlist) -> str:
    """Return a text that parses to the same patterns."""
    return "".join([*(f"{pattern}\n" for pattern in exlist.exclude), *(f"+{pattern}\n" for pattern in exlist.include)])


def _parse(lines: Iterable[Line]) -> Exlist:
    exclude: dict[str, None] = {}
    include: dict[str, None] = {}
    warnings: list[str] = []
    for line in lines:
        entry = line.text.partition("#")[0].strip()
        if line.text.startswith("#INCLUDE"):
            warnings.append(line.warning(f"taken as a comment: {line.text}"))
        if not entry:
            continue
        pattern = entry.removeprefix("+") if entry.startswith("+") else entry.removeprefix("-")
        (include if entry.startswith("+") else exclude)[_checked(pattern, line)] = None
    return Exlist(tuple(exclude), tuple(include), tuple(warnings))


def _checked(pattern: str, line: Line) -> str:
    if not pattern.startswith("./"):
        better = "./" + pattern.lstrip("./")
        raise line.error(f"'{pattern}' matches nothing: patterns begin with ./", hint=f"Write {better}")
    if pattern.endswith("/"):
        better = pattern.rstrip("/")
        raise line.error(f"'{pattern}' matches nothing: it ends in /", hint=f"Write {better}* or {better}/*")
    return pattern


def _regex(patterns: Sequence[str]) -> re.Pattern[str]:
    if not patterns:
        return re.compile(r"(?!)")
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))
