"""Which versions an update takes that brings nothing but what is for security, whoever installs the packages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbkernel.errors import BuildError
from sbkernel.images.families.resolved import Resolved
from sbkernel.packages.versions import compare, newer, sort_key
from sbkernel.units import shortened

Versions = Mapping[str, Sequence[str]]
"""Versions by the name of their package."""

_SHOWN = 10


def wanted(family: str, installed: Mapping[str, str], fixed: Versions, offered: Versions) -> dict[str, str]:
    """Return the version that each package shall have: that of the image, unless one that is `fixed` is newer.

    Then it is the newest fix that can be had or, where a source has put something later in its place, the next that is
    `offered`.
    """
    ordered = sort_key(family)

    def version(name: str, present: str) -> str:
        fixes = (one for one in fixed.get(name, ()) if newer(family, one, present) == 1)
        for fix in sorted(fixes, key=ordered, reverse=True):
            if with_it := [one for one in offered.get(name, ()) if compare(family, one, fix) >= 0]:
                return min(with_it, key=ordered)
        return present

    return {name: version(name, present) for name, present in installed.items()}


def out_of_reach(family: str, versions: Mapping[str, str], fixed: Versions) -> Iterator[str]:
    """Yield the fixes that are newer than what each package will have: nobody offers them."""
    for name, version in versions.items():
        for one in fixed.get(name, ()):
            if newer(family, one, version) == 1:
                yield f"{name} {one}"


def refuse_strays(packages: Iterable[Resolved], versions: Mapping[str, str]) -> None:
    """Raise BuildError for what would change although nobody says it is for security: its version is gone."""
    strays = [
        f"{one.name} {kept} (there is {one.version})"
        for one in packages
        if (kept := versions.get(one.name, one.version)) != one.version
    ]
    if strays:
        raise BuildError(
            "\n  ".join(["no source has the present version any more of:", *shortened(strays, _SHOWN)]),
            hint="update without --security-only, or name a mirror that keeps it in pkgdir (sb lock --mirror)",
        )


def nothing_told(sources: Iterable[str], how: str) -> BuildError:
    """Return the error for sources of which none tells what is for security; `how` is how they could."""
    return BuildError(
        "\n  ".join([f"nothing says which updates are for security: no source {how}:", *shortened([*sources], _SHOWN)]),
        hint="update without --security-only, or name a mirror in pkgdir that does",
    )
