"""What makes a tree of packages a stateless node's root: the files laid into it and the script run in it."""

from __future__ import annotations

import marshal
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError
from sbkernel.images.families.package_manager import PackageManager
from sbkernel.images.tree import scripts
from sbkernel.images.tree.namespaces import ENVIRONMENT, alone, enter
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

VERSION = 3
_NO_PROGRAM = 127
"""The exit status of a shell, and of chroot, that does not find a program."""
_DHCP = "etc/systemd/network/80-dhcp.network"
_USUAL = b"Name=en* eth*"


@dataclass(frozen=True)
class Configuration:
    """Files to lay into a tree, by path in it, more of them for where they are missing, and a script to run inside."""

    files: Mapping[str, bytes]
    if_missing: Mapping[str, bytes]
    script: bytes


def configuration(
    manager: PackageManager, fstab: str, *, timezone: str = "", interfaces: Sequence[str] = ()
) -> Configuration:
    """Return what configures a tree: ours, its package manager's, its fstab, its time zone, interfaces with DHCP."""
    image = resources.templates() / "image"
    ours = stateless_files(interfaces)
    script = (image / "configure.sh").read_bytes() + manager.configure_script()
    if timezone:
        script += f"zone={shlex.quote(timezone)}\n".encode() + (image / "timezone.sh").read_bytes()
    return Configuration({**ours, "etc/fstab": fstab.encode(), **manager.laid()}, manager.laid_if_missing(), script)


def stateless_files(interfaces: Sequence[str] = ()) -> dict[str, bytes]:
    """Return the files of ours that a stateless root has; further interfaces than those with usual names use DHCP."""
    ours = below(resources.templates() / "image" / "root")
    ours[_DHCP] = ours[_DHCP].replace(_USUAL, b" ".join([_USUAL, *map(str.encode, interfaces)]))
    return ours


def configure(tree: Path, wanted: Configuration, epoch: int, report: Report) -> None:
    """Lay the files into a tree, dated `epoch`, and run the script in it; BuildError if it lacks programs for that."""
    _empty(tree / "dev")
    missing = {name: data for name, data in wanted.if_missing.items() if not (tree / name).is_file()}
    try:
        lay(tree, {**wanted.files, **missing}, epoch, report, then=wanted.script)
    except CommandError as error:
        if error.returncode != _NO_PROGRAM:
            raise
        last = error.tail.strip().rpartition("\n")[2]
        raise BuildError(
            f"the image has too few packages to be configured: {last}",
            hint="add what a script needs to its pkglist: a shell, coreutils, sed, grep, findutils",
        ) from None


def _empty(devices: Path) -> None:
    """Remove the device files that a build by root has made: an ordinary user cannot, and a node brings its own."""
    if devices.is_dir():
        run(["find", devices, "-xdev", "-mindepth", "1", "-delete"], isolated=True)


def lay(tree: Path, files: Mapping[str, bytes], epoch: int, report: Report, *, then: bytes = b"") -> None:
    """Write files, dated `epoch`, into a tree, which need not hold a program for it; no link leads out.

    Then a script for its shell is run in it, if there is one.
    """
    argv = [*alone(tree), *scripts.argv(scripts.of_image("lay"), tree, *ENVIRONMENT)]
    enter(tree, argv, input=marshal.dumps((epoch, dict(files), then)), on_line=report.log)


def below(directory: Path) -> dict[str, bytes]:
    """Return the files below a directory by relative path."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}
