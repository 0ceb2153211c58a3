"""dnf alone, as an administrator types it to fill a tree: no kernel or initrd is taken out, nothing is configured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sbkernel.files import made, write_whole
from sbkernel.jobs.run import run

_DATABASE = "var/lib/rpm"
_FORMAT = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n"


def argv(repository: Path, version: str, names: Sequence[str], tree: Path, scratch: Path) -> list[str]:
    """Return the command that installs these packages and groups from one repository, and nothing weakly wanted."""
    options = {"install_weak_deps": "False", "cachedir": str(scratch / "cache"), "reposdir": "/nonexistent"}
    return [
        "dnf", "--assumeyes", "--quiet", f"--installroot={tree}", f"--releasever={version}", "--nogpgcheck",
        *(f"--setopt={name}={value}" for name, value in options.items()),
        f"--repofrompath=here,file://{repository}", "--repo=here", "install", *names,
    ]  # fmt: skip


def install(repository: Path, version: str, names: Sequence[str], tree: Path, scratch: Path) -> None:
    """Fill a tree, which stays as it is when it has all packages. Raises CommandError."""
    home = made(scratch / "home")
    # Debian's rpm has its database in the home directory of whoever runs it.
    write_whole(home / ".rpmmacros", f"%_dbpath /{_DATABASE}\n")
    words = argv(repository, version, names, tree, scratch)
    run(words, env={"HOME": str(home)}, isolated=os.geteuid() != 0)


def installed(tree: Path) -> dict[str, str]:
    """Return the version of each package in a tree, by name."""
    argv = ["rpm", "--root", str(tree), "--dbpath", f"/{_DATABASE}", "--query", "--all", "--queryformat", _FORMAT]
    return dict(line.split(" ", 1) for line in run(argv, isolated=os.geteuid() != 0).stdout.splitlines())
