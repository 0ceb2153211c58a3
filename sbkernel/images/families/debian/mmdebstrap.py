"""How mmdebstrap is called: argv and environment, nothing run (mmdebstrap(1))."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from sbkernel.images.families.package_manager import PackagePass

# Raise it when a change here changes what comes out, so that cached layers are not taken for the new kind.
VERSION = 2
MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"


def argv(
    target: Path, *, codename: str, architecture: str, source: str, passes: Sequence[PackagePass], hooks: Path
) -> list[str]:
    """Return the call that builds `target` from one source, of which the hooks bring the packages in.

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
        source,
    ]


def environment(
    *,
    scratch: Path,
    repository: Path,
    preload: Path | None,
    epoch: int,
    first: PackagePass | None,
) -> dict[str, str]:
    """Return the environment of the call and of its hooks; `preload` is libeatmydata."""
    env = {
        "INITRD": "No",  # kernel packages build no initrd: more than half of the time went there
        "DEBIAN_FRONTEND": "noninteractive",
        "SOURCE_DATE_EPOCH": str(epoch),
        "TMPDIR": str(scratch),  # when it is killed, its temporary files go with the partial layer
        "SBKERNEL_REPOSITORY": str(repository),
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
