"""How mmdebstrap is called: argv and environment, nothing run (mmdebstrap(1))."""

from __future__ import annotations

import shlex
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.package_manager import PackagePass

# Raise it when a change here changes what comes out, so that cached layers are not taken for the new kind.
VERSION = 3
_MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"
SCRIPTS = {
    "INITRD": "No",  # kernel packages build no initrd: more than half of the time went there
    "DEBIAN_FRONTEND": "noninteractive",
}
"""The environment of scripts of packages."""
_SAYS_MERGED = "usr-is-merged"
MERGE = "merge.sh"


def argv(
    target: Path,
    *,
    codename: str,
    architecture: str,
    source: str,
    passes: Sequence[PackagePass],
    hooks: Path,
    merge: Sequence[str] = (),
    foreign: bool = False,
    removed: Sequence[str] = (),
) -> list[str]:
    """Return the call that builds `target` from one source, of which the hooks bring the packages in.

    The first pass is installed by mmdebstrap itself, the following ones by apt from outside; by it, too, `removed`
    goes again at the end.
    """
    first = ",".join(passes[0].packages) if passes else ""
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        "--verbose",
        f"--architectures={architecture}",
        # Its own check knows only what this host has registered.
        *(["--skip=check/qemu"] if foreign else []),
        *([f"--include={first}"] if first else []),
        "--aptopt=APT::Install-Recommends false",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=force-confdef",
        *merge,
        f"--setup-hook={_hook(hooks / 'setup.sh')}",
        f"--extract-hook={_hook(hooks / 'extract.sh')}",
        f"--essential-hook={_hook(hooks / 'essential.sh')}",
        *(f"--customize-hook={_later_pass(one)}" for one in passes[1:]),
        *([f"--customize-hook={_apt_get(['purge', *removed])}"] if removed else []),
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
        **SCRIPTS,
        "SOURCE_DATE_EPOCH": str(epoch),
        "TMPDIR": str(scratch),  # when it is killed, its temporary files go with the partial layer
        "SBKERNEL_REPOSITORY": str(repository),
    }
    if preload is not None:
        env |= {"LD_PRELOAD": preload.name, "SBKERNEL_PRELOAD": str(preload)}
    return env | dict(first.env if first else ())


def _hook(script: Path) -> str:
    return f'sh {shlex.quote(str(script))} "$1"'


def merging(release: DebianRelease, names: Container[str], hooks: Path) -> list[str]:
    """Return the options by which /bin and its like are links into /usr; `names` are those of the packages to come.

    mmdebstrap's own hook serves releases with a package that says so, which the hook needs; from Debian 13 on the links
    come with base-files.
    """
    if _SAYS_MERGED in names:
        return [f"--hook-directory={_MERGED_USR}"]
    return [f"--setup-hook={_hook(hooks / MERGE)}"] if release.unmerged else []


def _later_pass(one: PackagePass) -> str:
    return _apt_get(["install", *one.packages], one.env)


def _apt_get(command: Sequence[str], env: Sequence[tuple[str, str]] = ()) -> str:
    words = [
        "env", *(f"{key}={value}" for key, value in env),
        "apt-get", "--yes", "-oDir::Bin::dpkg=env", "-oDPkg::Options::=--unset=TMPDIR", "-oDPkg::Options::=dpkg",
    ]  # fmt: skip
    return (
        f'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" {shlex.join(words)} -oDPkg::Chroot-Directory="$1" {shlex.join(command)}'
    )


def passes_data(passes: Sequence[PackagePass]) -> list[Mapping[str, object]]:
    """Return the passes as JSON-able data for a digest."""
    return [{"env": [list(pair) for pair in one.env], "packages": list(one.packages)} for one in passes]
