"""Build the argv and the environment of a child: find its program, or name the Debian package that has it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import sbkernel
from sbkernel.errors import ToolMissingError
from sbkernel.jobs.origin import RECORD

# An ordinary user's PATH on Debian has no sbin, yet most of its programs work there without root.
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")

# program -> Debian package, for those whose package has another name
PACKAGES = {
    "apt-get": "apt",
    "bridge": "iproute2",
    "busybox": "busybox-static",
    "depmod": "kmod",
    "fsck.erofs": "erofs-utils",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "ipmi_sim": "openipmi",
    "ipmipower": "freeipmi-tools",
    "losetup": "mount",
    "mkfs.erofs": "erofs-utils",
    "mksquashfs": "squashfs-tools",
    "modinfo": "kmod",
    "modprobe": "kmod",
    "newuidmap": "uidmap",
    "qemu-img": "qemu-utils",
    "qemu-aarch64-static": "qemu-user-static",
    "qemu-ppc64-static": "qemu-user-static",
    "qemu-ppc64le-static": "qemu-user-static",
    "qemu-s390x-static": "qemu-user-static",
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-x86_64-static": "qemu-user-static",
    "prlimit": "util-linux",
    "rpmdb": "rpm",
    "rpmkeys": "rpm",
    "scp": "openssh-client",
    "setpriv": "util-linux",
    "sqfs2tar": "squashfs-tools-ng",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "tc": "iproute2",
    "unshare": "util-linux",
    "unsquashfs": "squashfs-tools",
    "veritysetup": "cryptsetup-bin",
    "xz": "xz-utils",
}


def find_program(name: str) -> str:
    """Return the path of a program; raise ToolMissingError naming the Debian package that has it."""
    # It brings all compressions; a command that only starts the service would wait for them.
    from shutil import which

    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN])
    found = which(name, path=path)
    if found is None:
        package = PACKAGES.get(name, name)
        raise ToolMissingError(f"{name} not found", hint=f"install the Debian package {package}")
    return found


def install_line(packages: Iterable[str]) -> str:
    """Return the command that installs Debian packages."""
    return f"apt-get install --no-install-recommends {' '.join(packages)}"


def own_namespaces(*, as_root: bool) -> list[str]:
    """Return the argv prefix that runs a program in its own PID and mount namespace.

    When the namespace's first process ends, the kernel ends every other one and drops every mount (unshare(1)).
    That first process is a shell: it reaps orphans, and the program, being the second, takes signals as usual.
    Without root a user namespace is added in which the caller is root and his subordinate ids are mapped.
    """
    user = [] if as_root else ["--user", "--map-auto", "--map-root-user"]
    namespaces = [find_program("unshare"), *user, "--mount", "--pid", "--mount-proc", "--fork", "--kill-child", "--"]
    return [*namespaces, "sh", "-c", '"$@"; exit $?', "sh"]


def wrapped(argv: Sequence[str | os.PathLike[str]], *, isolated: bool = False) -> list[str]:
    """Return the argv to execute: the program found, dying with its parent, in own namespaces if asked."""
    words = [os.fspath(word) for word in argv]
    words[0] = find_program(words[0])
    inner = [*own_namespaces(as_root=os.geteuid() == 0), *words] if isolated else words
    return [find_program("setpriv"), "--pdeathsig", "KILL", "--", *inner]


def child_environment(extra: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return our environment with messages in English and `extra` on top; a value of None removes a variable."""
    merged: dict[str, str | None] = {**os.environ, "LC_ALL": "C.UTF-8", RECORD: None, **(extra or {})}
    return {key: value for key, value in merged.items() if value is not None}


def module_environment() -> dict[str, str | None]:
    """Return the environment in which `python -m` finds our modules and nothing in the working directory.

    Python would look there first, and whoever may write there would be run as the caller (python(1), -P).
    """
    home = str(Path(sbkernel.__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": search, "PYTHONSAFEPATH": "1"}
