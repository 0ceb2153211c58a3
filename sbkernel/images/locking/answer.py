"""Whether a lock answers what the lists of an osimage ask, and how two locks of it differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.places import is_container
from sbkernel.images.families.resolved import Resolution, Resolved
from sbkernel.images.locking.lockfile import Lock
from sbkernel.images.plan import digest_of
from sbkernel.images.spec import ImageSpec
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.pkglist import Pkglist


def lock_of(spec: ImageSpec, resolution: Resolution, mirror: str = "") -> Lock:
    """Return the lock of an osimage whose lists mean these packages."""
    return Lock(
        spec.image,
        spec.osvers,
        spec.osarch,
        asked_by(spec.request),
        tuple(spec.packages),
        resolution.packages,
        resolution.removed,
        mirror,
        resolution.container,
    )


def asked_by(request: Request) -> str:
    """Return the digest of what lists ask, whatever their comments say and wherever packages come from."""
    kernel = [request.kernelver, request.attributes.get("krpmver", "")]
    return digest_of([_passes(request.pkglist), _passes(request.otherpkglist), kernel])


def _passes(listed: Pkglist) -> list[list[object]]:
    return [[list(one.packages), list(one.pre_remove), list(one.post_remove), dict(one.env)] for one in listed.passes]


def answer(spec: ImageSpec, lock: Lock) -> Resolution:
    """Return what the lists of an osimage mean by its lock.

    ListFileError when the lock is of another image, distribution or architecture, or names no package for a name of
    the lists; BuildError when the lists ask anything else than when it was made.
    """
    anew = f"sb lock --update {spec.image}"
    for name, there, here in (
        ("Osimage", lock.image, spec.image),
        ("Osvers", lock.osvers, spec.osvers),
        ("Osarch", lock.osarch, spec.osarch),
    ):
        if there != here:
            raise lock.error(name, f"this lock is for {there}, not for {here}", f"{anew} makes one for it")
    for name in spec.packages:
        if name not in lock.asked:
            said = f"the lock {lock.file} has no answer for {shown(name)}"
            line = spec.listed(name)
            raise line.error(said, hint=anew) if line else BuildError(said, hint=anew)
    if asked_by(spec.request) != lock.lists:
        gone = [name for name in lock.asked if name not in spec.packages]
        more = f": they no longer ask for {', '.join(map(shown, gone))}" if gone else ""
        raise BuildError(f"the lists of {spec.image} have changed since {lock.file} was made{more}", hint=anew)
    if (lock.container is not None) != is_container(spec.attributes.get("pkgdir", "").strip()):
        there = str(lock.container or "no container")
        raise BuildError(f"the lock {lock.file} stands on {there}, which pkgdir of {spec.image} does not", hint=anew)
    return lock.resolution


def differences(old: Lock, new: Lock) -> list[str]:
    """Return what differs between two locks of one osimage, a line each; whence the same package comes is no matter."""
    kinds = [(old.image, new.image), (old.osvers, new.osvers), (old.osarch, new.osarch)]
    return [
        *(f"it is for {before}, not for {after}" for before, after in kinds if before != after),
        *(f"the lists also ask for {shown(name)}" for name in new.asked if name not in old.asked),
        *(f"the lists no longer ask for {shown(name)}" for name in old.asked if name not in new.asked),
        *(["the lists ask for the same names in another way"] if _only_otherwise(old, new) else []),
        *([f"the container is {new.container}, not {old.container}"] if _digest(old) != _digest(new) else []),
        *_of_packages(old.packages, new.packages),
        *_of_packages(old.removed, new.removed, "removed at the end: "),
    ]


def _digest(lock: Lock) -> str:
    return lock.container.digest if lock.container else ""


def _only_otherwise(old: Lock, new: Lock) -> bool:
    return old.lists != new.lists and set(old.asked) == set(new.asked)


def _of_packages(old: Iterable[Resolved], new: Iterable[Resolved], what: str = "") -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    for key in sorted({*before, *after}):
        gone = {version: sha256 for version, sha256 in before.get(key, {}).items() if version not in after.get(key, {})}
        come = {version: sha256 for version, sha256 in after.get(key, {}).items() if version not in before.get(key, {})}
        name = f"{what}{key[0]}:{key[1]}"
        if len(gone) == len(come) == 1:
            yield f"{name} {next(iter(gone))} -> {next(iter(come))}"
        else:
            yield from (f"- {name} {version}" for version in gone)
            yield from (f"+ {name} {version}" for version in come)
        for version in (one for one in before.get(key, {}) if one in after.get(key, {})):
            if before[key][version] != after[key][version]:
                yield f"{name} {version}: the same version with other content"


def _by_name(packages: Iterable[Resolved]) -> Mapping[tuple[str, str], Mapping[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for one in packages:
        found.setdefault((one.name, one.architecture), {})[one.version] = one.sha256
    return found
