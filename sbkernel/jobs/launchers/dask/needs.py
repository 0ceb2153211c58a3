"""What a build host is and what an order needs, in the words in which Dask matches them: its abstract resources."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from sbkernel.errors import NotFoundError

PLACE = "sbkernel-build"
"""Every build host has one of it, and every order takes it: a build has its host for itself."""
_ARCH = "sbkernel-arch-"
_OS = "sbkernel-os-"


def offered() -> dict[str, float]:
    """Return the resources of this machine: a place, its architecture, its distribution with and without version."""
    names = {PLACE, _ARCH + platform.machine()}
    try:
        release = platform.freedesktop_os_release()
    except OSError:  # a machine that does not say what it is
        release = {}
    if distribution := release.get("ID", ""):
        names |= {_OS + distribution, _OS + distribution + release.get("VERSION_ID", "")}
    return dict.fromkeys(sorted(names), 1.0)


def needed(arch: str = "", distribution: str = "") -> dict[str, float]:
    """Return the resources that an order takes; of what is "" any will do."""
    names = [PLACE, *([_ARCH + arch] if arch else []), *([_OS + distribution] if distribution else [])]
    return dict.fromkeys(names, 1.0)


def check(scheduler: str, workers: Mapping[str, Mapping[str, float]], needs: Mapping[str, float]) -> None:
    """Raise NotFoundError, telling what there is, unless one of the workers (address -> resources) has all needs."""
    if any(all(has.get(name, 0) >= amount for name, amount in needs.items()) for has in workers.values()):
        return
    wanted = " ".join(sorted(map(_told, needs.keys() - {PLACE}))) or "sbkernel"
    there = [f"{address}: {_all_told(has)}" for address, has in sorted(workers.items())]
    raise NotFoundError(
        f"{scheduler} has no worker for {wanted}; it has " + ("; ".join(there) if there else "no workers at all"),
        hint="start one: dask worker SCHEDULER --nthreads 1 --preload sbkernel.jobs.launchers.dask.worker; "
        "add --resources sbkernel-arch-aarch64=1 where that is emulated",
    )


def _all_told(resources: Mapping[str, float]) -> str:
    if PLACE not in resources:
        return "no build host"
    return " ".join(_told(name) for name in sorted(resources) if name != PLACE)


def _told(name: str) -> str:
    return name.removeprefix(_ARCH).removeprefix(_OS)
