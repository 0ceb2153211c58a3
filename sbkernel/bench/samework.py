"""Check that two sides did the same work, so that their times can be compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sbkernel.bench.row import Check

_SHOWN = 8
_RELATION = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)")


@dataclass(frozen=True)
class Installed:
    """A package in dpkg's database of a tree. `needs` are all names that it depends on, alternatives included."""

    name: str
    version: str
    needs: frozenset[str]


def installed_packages(status: str) -> dict[str, Installed]:
    """Read the installed packages from dpkg's status file, by name (deb-control(5))."""
    packages = (_installed(paragraph) for paragraph in status.split("\n\n"))
    return {package.name: package for package in packages if package is not None}


def _installed(paragraph: str) -> Installed | None:
    fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if line[:1].strip() and ": " in line)
    if not fields.get("Status", "").endswith(" installed"):
        return None
    relations = f"{fields.get('Depends', '')},{fields.get('Pre-Depends', '')}"
    names = (match[1] for word in re.split(r"[,|]", relations) if (match := _RELATION.match(word)))
    return Installed(fields["Package"], fields["Version"], frozenset(names))


def all_needed(packages: Mapping[str, Installed], roots: Iterable[str], barred: Collection[str] = ()) -> set[str]:
    """Return the installed roots and all installed packages that they need, but not what only barred packages need."""
    found: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name in packages and name not in barred and name not in found:
            found.add(name)
            todo += packages[name].needs
    return found


def same_packages(
    asked: Collection[str], ours: Mapping[str, Installed], peer: Mapping[str, Installed], apart: Sequence[str]
) -> Check:
    """Check that both trees have the same packages and versions, apart from `apart` and what only these need.

    `asked` is the list that both were built from. What it needs must be on both sides, even if others need it too.
    """
    needed = all_needed(ours, asked, apart) | all_needed(peer, asked, apart)
    excused = (all_needed(ours, apart) | all_needed(peer, apart)) - needed
    only_ours, only_peer = ours.keys() - peer.keys(), peer.keys() - ours.keys()
    common = ours.keys() & peer.keys()
    wrong = sorted([*((only_ours | only_peer) - excused), *(n for n in common if ours[n].version != peer[n].version)])
    sides = f"only ours: {_names(only_ours)}; only the peer's: {_names(only_peer)}"
    if wrong or not common:
        return Check("packages", ok=False, found=f"different: {_names(wrong)}; {sides}")
    return Check("packages", ok=True, found=f"{len(common)} by name and version; {sides}")


def same_paths(ours: Collection[str], peer: Collection[str]) -> Check:
    """Check that both archives have the same paths."""
    only_ours, only_peer = set(ours) - set(peer), set(peer) - set(ours)
    if only_ours or only_peer:
        found = f"only ours: {_names(only_ours)}; only the peer's: {_names(only_peer)}"
        return Check("list of files", ok=False, found=found)
    return Check("list of files", ok=bool(ours), found=f"{len(set(ours))} paths")


def same_value(what: str, ours: str, peer: str) -> Check:
    """Check that both sides have the same value, and that it is not empty."""
    if ours and ours == peer:
        return Check(what, ok=True, found=ours)
    return Check(what, ok=False, found=f"ours {ours or 'none'}, the peer's {peer or 'none'}")


def about_as_small(ours_bytes: int, peer_bytes: int, tolerance: float = 1.1) -> Check:
    """Check that ours is not faster at the cost of size: it is at most `tolerance` times as large as the peer's."""
    found = f"ours {ours_bytes / 1e6:.1f} MB, the peer's {peer_bytes / 1e6:.1f} MB"
    return Check("size", ok=0 < ours_bytes <= peer_bytes * tolerance, found=found)


def _names(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (" ".join(listed[:_SHOWN]) or "none") + more
