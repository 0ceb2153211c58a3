"""From the packages of a tree that is there to those that are wanted, and what that costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sbkernel.images.families.resolved import Change, Resolution

PACKAGE_COST_BYTES = 256 << 10
"""What a package costs beside its bytes: its scripts and its rows in the database, as bytes that take as long."""


def change_from(facts: Mapping[str, Any], wanted: Resolution, asked: Sequence[str]) -> Change | None:
    """Return what leads from a recorded tree to the wanted one; None if its packages were asked for in another order.

    That order may decide about numbers of users.
    """
    there: Mapping[str, str] = facts["contents"]
    then, now = list(facts["asked"]), names(asked)
    if [one for one in then if one in now] != [one for one in now if one in then]:
        return None
    contents = {str(one): one.sha256 for one in wanted.kept}
    coming = tuple(one for one in wanted.kept if there.get(str(one)) != one.sha256)
    leaving = tuple(sorted(one for one, content in there.items() if contents.get(one) != content))
    stay = frozenset(one.name for one in wanted.kept) - {one.name for one in coming}
    newly, no_more = frozenset(now) - frozenset(then), frozenset(then) - frozenset(now)
    return Change(coming, leaving, stay & newly, stay & no_more, int(facts["epoch"]))


def recorded(wanted: Resolution, asked: Sequence[str]) -> dict[str, Any]:
    """Return what a tree records so that another can start from it."""
    return {"contents": {str(one): one.sha256 for one in wanted.kept}, "asked": names(asked)}


def names(asked: Sequence[str]) -> list[str]:
    """Return the bare names of packages that are asked for, each once."""
    return list(dict.fromkeys(map(bare, asked)))


def bare(name: str) -> str:
    """Return the name of a package that was asked for as name:architecture=version."""
    return name.partition("=")[0].partition(":")[0]


def cost(change: Change) -> int:
    """Return how much work a change is, in bytes of packages."""
    number = len(change.coming) + len(change.leaving)
    return sum(one.size for one in change.coming) + number * PACKAGE_COST_BYTES


def cost_of_all(wanted: Resolution) -> int:
    """Return how much work a clean build is, in the same measure."""
    return wanted.size + len(wanted.packages) * PACKAGE_COST_BYTES
