"""What the package lists of an image ask, in order: passes, what stays out of them, what goes again at the end. Pure.

A tree is filled from nothing, so there is nothing to remove before a pass: what `-name` removes does not come in with
the passes before it. What `--name` removes is there while packages are configured, and leaves the finished tree.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import PackagePass, Request
from sbkernel.lists import otherpkglist
from sbkernel.lists.pkglist import Pass

Requirements = Mapping[str, Sequence[frozenset[str]]]
"""What each package needs, by name: of every group of names, one."""


@dataclasses.dataclass(frozen=True)
class AskedFor:
    """The passes of both lists; names or patterns of packages that must not come in, and of those removed at the end.

    `places` says of names from which directory of otherpkgdir they come.
    """

    passes: tuple[PackagePass, ...]
    left_out: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    places: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all passes, each once, in order."""
        return tuple(dict.fromkeys(name for one in self.passes for name in one.packages))


def asked_for(request: Request, *, as_in_xcat: bool) -> AskedFor:
    """Return what the lists of an osimage ask.

    What the pkglist removes has no effect `as_in_xcat`; else it stays out, before or after: it has one purpose there,
    to leave out what a group or an included list names.
    """
    first = [] if as_in_xcat else [name for one in request.pkglist.passes for name in one.remove]
    passes = [_without(Pass(one.packages, env=one.env), first) for one in request.pkglist.passes]
    for one in map(_placed, request.otherpkglist.passes):
        passes = [*(_without(earlier, one.pre_remove) for earlier in passes), one]
    placed = [otherpkglist.placed(name) for name in request.otherpkglist.packages]
    return AskedFor(
        tuple(PackagePass(one.packages, tuple(sorted(one.env.items()))) for one in passes if one.packages),
        tuple(dict.fromkeys([*first, *_taken(passes, lambda one: one.pre_remove, again=0)])),
        tuple(dict.fromkeys(_taken(passes, lambda one: one.post_remove, again=1))),
        tuple(dict.fromkeys((one.name, one.directory) for one in placed if one.directory != ".")),
    )


def _placed(one: Pass) -> Pass:
    def names(entries: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(otherpkglist.placed(entry).name for entry in entries))

    return Pass(names(one.packages), names(one.pre_remove), names(one.post_remove), one.env)


def _without(one: Pass, removed: Sequence[str]) -> Pass:
    return dataclasses.replace(one, packages=tuple(name for name in one.packages if not matches(name, removed)))


def _taken(passes: Sequence[Pass], removed: Callable[[Pass], Sequence[str]], *, again: int) -> Iterable[str]:
    """Yield what passes remove, but not what is asked for by name `again` passes later, or after that."""
    for number, one in enumerate(passes):
        wanted = {name for later in passes[number + again :] for name in later.packages}
        yield from (name for name in removed(one) if name not in wanted)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of the names or patterns means a package."""
    return any(fnmatch.fnmatchcase(name, one) for one in patterns)


def removed_with(removed: Sequence[str], needs: Requirements, asked: Iterable[str], base: Iterable[str]) -> list[str]:
    """Return the packages that go when these names or patterns are removed: themselves, and those that need them.

    Raises BuildError when the base system or a package that the lists ask for would go with them.
    """
    named = frozenset(name for name in needs if matches(name, removed))
    gone = set(named)
    while more := [name for name, groups in needs.items() if name not in gone and _broken(groups, gone)]:
        gone.update(more)
    _refuse_loss(removed, sorted(gone.intersection(base)), "of the base system")
    _refuse_loss(removed, sorted((gone - named).intersection(asked)), "that the lists ask for")
    return sorted(gone)


def _broken(groups: Sequence[frozenset[str]], gone: set[str]) -> bool:
    return any(group and group <= gone for group in groups)


def _refuse_loss(removed: Sequence[str], lost: Sequence[str], what: str) -> None:
    if lost:
        raise BuildError(
            f"to remove {', '.join(removed)} would remove {', '.join(lost)} {what}",
            hint="take it out of the otherpkglist, where -- stands before it, or take those that need it out, too",
        )
