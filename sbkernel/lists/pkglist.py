"""pkglist and otherpkglist: the packages of an image, in passes (grammar: xCAT's imgutils::get_package_names)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sbkernel.lists.text import Line, read, split

_NEW_LIST = re.compile(r"#NEW_INSTALL_LIST#")
_ENV = re.compile(r"#ENV:([^#^]*)#")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(\S*)")
_ALMOST_DIRECTIVE = re.compile(r"\s*#\s*(INCLUDE|NEW_INSTALL_LIST|ENV)\b")


@dataclasses.dataclass(frozen=True, slots=True)
class Pass:
    """One run of the package manager: what it removes before, installs, and removes after, and its environment.

    An entry of `packages` is a name, name=version, subdir/name, or @group, as the file has it.
    """

    packages: tuple[str, ...] = ()
    pre_remove: tuple[str, ...] = ()
    post_remove: tuple[str, ...] = ()
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def remove(self) -> tuple[str, ...]:
        """Return all that the pass takes away; xCAT ignores these entries in the pkglist of a stateless image."""
        return (*self.pre_remove, *self.post_remove)

    def and_then(self, other: Pass) -> Pass:
        """Return both as one pass."""
        return Pass(
            _unique((*self.packages, *other.packages)),
            _unique((*self.pre_remove, *other.pre_remove)),
            _unique((*self.post_remove, *other.post_remove)),
            {**self.env, **other.env},
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Pkglist:
    """All passes, and warnings (`file:line: text`) about lines that have no effect."""

    passes: tuple[Pass, ...] = ()
    warnings: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @property
    def packages(self) -> tuple[str, ...]:
        """Return every package of every pass once, in order."""
        return _unique(name for one in self.passes for name in one.packages)


def load(files: Sequence[Path | str]) -> Pkglist:
    """Read list files; pass n of one installs together with pass n of the others, as in xCAT."""
    return _join([_parse(read(Path(file), "pkglist")) for file in files])


def parse(text: str, file: str = "pkglist") -> Pkglist:
    """Parse the text of one list whose includes are already spliced in."""
    return _join([_parse(split(file, text))])


def render(pkglist: Pkglist) -> str:
    """Return a text that parses to the same passes."""
    return "#NEW_INSTALL_LIST#\n".join("".join(f"{line}\n" for line in _pass_lines(one)) for one in pkglist.passes)


def _pass_lines(one: Pass) -> list[str]:
    env = [f"#ENV:{' '.join(f'{key}={value}' for key, value in one.env.items())}#"] if one.env else []
    return [*env, *(f"-{n}" for n in one.pre_remove), *one.packages, *(f"--{n}" for n in one.post_remove)]


class _Building:
    """The passes of one file while its lines are read."""

    def __init__(self) -> None:
        self.passes = [Pass()]
        self.warnings: list[str] = []

    def add(self, more: Pass) -> None:
        self.passes[-1] = self.passes[-1].and_then(more)


def _parse(lines: Iterable[Line]) -> tuple[list[Pass], list[str]]:
    building = _Building()
    for line in lines:
        if line.text.lstrip().startswith("#"):
            _directive(line, building)
        else:
            for entry in line.text.split(","):
                if entry.strip():
                    building.add(_entry(entry.strip(), line))
    return building.passes, building.warnings


def _directive(line: Line, building: _Building) -> None:
    if _NEW_LIST.fullmatch(line.text):
        building.passes.append(Pass())
    elif match := _ENV.fullmatch(line.text):
        building.add(Pass(env=_environment(match[1], line)))
    elif _ALMOST_DIRECTIVE.match(line.text):
        building.warnings.append(line.warning(f"taken as a comment: {line.text.strip()}"))


def _environment(text: str, line: Line) -> dict[str, str]:
    if "," in text:
        raise line.error("#ENV: has a comma, at which xCAT splits the line", hint="Separate with blanks: A=1 B=2")
    matches = [_ASSIGNMENT.fullmatch(word) for word in text.split()]
    if not all(matches):
        raise line.error("#ENV: wants NAME=value", hint="#ENV:http_proxy=http://10.0.0.1:3128#")
    return {match[1]: match[2] for match in matches if match}


def _entry(entry: str, line: Line) -> Pass:
    if "#" in entry:
        raise line.error(f"'{entry}' is no package name", hint="A comment needs a line of its own.")
    bare = entry.lstrip("-").strip()
    if not bare or (re.search(r"\s", bare) and not bare.startswith("@")):
        raise line.error(f"'{entry}' is no package name", hint="Write one package a line, or commas between them.")
    if entry.startswith("--"):
        return Pass(post_remove=(bare,))
    return Pass(pre_remove=(bare,)) if entry.startswith("-") else Pass(packages=(bare,))


def _join(parsed: Sequence[tuple[list[Pass], list[str]]]) -> Pkglist:
    count = max((len(passes) for passes, _ in parsed), default=0)
    joined = [Pass()] * count
    for passes, _ in parsed:
        for number, one in enumerate(passes):
            joined[number] = joined[number].and_then(one)
    used = tuple(one for one in joined if one != Pass())
    return Pkglist(used, tuple(warning for _, warnings in parsed for warning in warnings))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
