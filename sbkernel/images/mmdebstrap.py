"""How mmdebstrap is called: argv and environment, nothing run (mmdebstrap(1))."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Raise it when a change here changes what comes out, so that cached layers are not taken for the new kind.
VERSION = 1
MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"


@dataclass(frozen=True)
class PackagePass:
    """Packages installed in one run of the package manager, and its environment."""

    packages: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


def argv(
    target: Path, *, codename: str, architecture: str, sources: Path, passes: Sequence[PackagePass], hooks: Path
) -> list[str]:
    """Return the call that builds `target` from package lists and packages that the hooks bring in.

    The first pass is installed by mmdebstrap itself, the following ones by apt from outside.
    """
    first = ",".join(passes[0].packages) if passes else ""
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        "--verbose",
        f"--architectures={architecture}",
        *([f"--include={first}"] if first else []),
        "--aptopt=APT::Install-Recommends false",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=force-confdef",
        f"--hook-directory={MERGED_USR}",
        f"--setup-hook={_hook(hooks / 'setup.sh')}",
        f"--extract-hook={_hook(hooks / 'extract.sh')}",
        *(f"--customize-hook={_later_pass(one)}" for one in passes[1:]),
        f"--customize-hook={_hook(hooks / 'customize.sh')}",
        codename,
        str(target),
        str(sources),
    ]


def environment(
    *,
    scratch: Path,
    lists: Path,
    preferences: Path,
    packages: Path,
    preload: Path | None,
    epoch: int,
    first: PackagePass | None,
) -> dict[str, str]:
    """Return the environment of the call and of its hooks; `preload` is libeatmydata, `packages` a list of files."""
    env = {
        "INITRD": "No",  # kernel packages build no initrd: more than half of the time went there
        "DEBIAN_FRONTEND": "noninteractive",
        "SOURCE_DATE_EPOCH": str(epoch),
        "TMPDIR": str(scratch),  # when it is killed, its temporary files go with the partial layer
        "SBKERNEL_LISTS": str(lists),
        "SBKERNEL_PREFERENCES": str(preferences),
        "SBKERNEL_PACKAGES": str(packages),
    }
    if preload is not None:
        env |= {"LD_PRELOAD": preload.name, "SBKERNEL_PRELOAD": str(preload)}
    return env | dict(first.env if first else ())


def _hook(script: Path) -> str:
    return f'sh {shlex.quote(str(script))} "$1"'


def _later_pass(one: PackagePass) -> str:
    words = [
        "env", *(f"{key}={value}" for key, value in one.env),
        "apt-get", "--yes", "-oDir::Bin::dpkg=env", "-oDPkg::Options::=--unset=TMPDIR", "-oDPkg::Options::=dpkg",
    ]  # fmt: skip
    command = f'{shlex.join(words)} -oDPkg::Chroot-Directory="$1" install {shlex.join(one.packages)}'
    return f'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" {command}'


def passes_data(passes: Sequence[PackagePass]) -> list[Mapping[str, object]]:
    """Return the passes as JSON-able data for a digest."""
    return [{"env": [list(pair) for pair in one.env], "packages": list(one.packages)} for one in passes]
