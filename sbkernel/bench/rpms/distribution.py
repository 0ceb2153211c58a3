"""A small rpm distribution made from Debian's own packages: same files and dependencies, some scriptlets, a kernel.

What Debian's packages do in their own scriptlets is done by the package "setup", as far as a login needs it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sbkernel.bench.rpms.package import make_rpm
from sbkernel.errors import BuildError
from sbkernel.files import made
from sbkernel.images.families import family_of
from sbkernel.images.families.debian import records
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.resolved import Resolution, Resolved
from sbkernel.jobs.report import NullReport
from sbkernel.jobs.run import run
from sbkernel.lists import pkglist
from sbkernel.site import Site

KERNEL = "linux-image-cloud-amd64"
SMALL = ("dash", "coreutils", "sed", "tar", "findutils", "grep", "libc-bin", KERNEL)
"""What building an image takes: its scripts run in the tree."""
BOOTABLE = (
    *SMALL, "bash", "systemd-sysv", "udev", "kmod", "login", "passwd", "dbus", "iproute2", "util-linux", "mount",
    "procps", "libpam-systemd", "gzip", "hostname",
)  # fmt: skip
"""What a login prompt takes."""

_ARCHITECTURES = {"amd64": "x86_64", "all": "noarch"}
_MERGED = ("bin", "sbin", "lib", "lib64")
_USERS = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
messagebus:x:101:101::/:/bin/false
systemd-network:x:998:998::/:/bin/false
nobody:x:65534:65534::/:/usr/sbin/nologin
"""
_GROUPS = (
    "root:0", "daemon:1", "tty:5", "disk:6", "lp:7", "kmem:15", "dialout:20", "cdrom:24", "floppy:25", "tape:26",
    "audio:29", "shadow:42", "utmp:43", "video:44", "users:100", "messagebus:101", "input:104", "render:105", "kvm:106",
    "sgx:107", "systemd-network:998", "systemd-journal:999", "nogroup:65534",
)  # fmt: skip
_DIRECTORIES = (
    "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "var/log", "var/tmp", "var/lib", "root", "tmp", "proc", "sys", "dev",
    "run",
)  # fmt: skip
_PAM = ("auth", "account", "password", "session")
_TEXTS = {
    "etc/os-release": 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Small Linux 9.4"\n',
    "etc/passwd": _USERS,
    "etc/group": "".join(f"{name}:x:{number}:\n" for name, _, number in (one.partition(":") for one in _GROUPS)),
    "etc/shadow": "root:secret:19000:0:99999:7:::\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
    "etc/selinux/config": "SELINUX=enforcing\n",
    "etc/yum.repos.d/internet.repo": "[internet]\nname=x\nbaseurl=http://mirror.invalid/os\nenabled=1\n[more]\nname=y\n",
    **{f"etc/pam.d/common-{kind}": f"{kind} required pam_unix.so\n" for kind in _PAM},
    "etc/pam.d/common-session-noninteractive": "session required pam_unix.so\n",
}
_NOT_TAKEN = frozenset((
    "base-files", "base-passwd", "debconf", "perl-base", "dpkg", "init-system-helpers", "initramfs-tools",
))  # fmt: skip
"""Packages that only Debian's own scriptlets need, or that would make an initrd in the tree."""
_COMPS = """\
<comps><group><id>core</id><name>Core</name><description/><default>true</default><uservisible>true</uservisible>\
<packagelist>{packages}</packagelist></group></comps>
"""


def make_distribution(site: Site, place: Path, packages: Sequence[str]) -> Path:
    """Make a repository of these Debian packages and what they need, with a group and a pattern core; return it.

    The packages come from the apt sources of this host through the cache of the site. A hundred take half a minute.
    Raises CommandError and BuildError.
    """
    place.mkdir(parents=True)
    work = made(place.parent / f".{place.name}.work")
    resolved = _debian(site, packages)
    names = {package.name for package, _ in resolved}
    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda pair: _convert(pair[0], pair[1], names, work, place), resolved))
    _setup(place, work)
    core = ["setup", *(name for name in packages if name != KERNEL)]
    needs = "".join(f"Requires: {name}\n" for name in core)
    make_rpm(place, "patterns-base-core", arch="noarch", more=f"Provides: pattern() = core\n{needs}")
    comps = work / "comps.xml"
    entries = "".join(f'<packagereq type="mandatory">{name}</packagereq>' for name in core)
    comps.write_text(_COMPS.format(packages=entries))
    run(["createrepo_c", "--quiet", "--groupfile", comps, place])
    shutil.rmtree(work)
    return place


def _debian(site: Site, packages: Sequence[str]) -> list[tuple[Resolved, Path]]:
    """Return the packages and what they need, with their files."""
    request = Request({"osvers": "debian12", "osarch": "x86_64"}, pkglist.parse(""))
    manager = family_of("debian12").open(site, request)
    if not isinstance(manager, AptManager):
        raise BuildError("packages are converted from those of Debian alone")
    with manager.apt.in_turn():
        manager.apt.update(NullReport())
        wanted = {one.name: one for one in manager.apt.solve(list(packages))}
    chosen = [wanted[name] for name in sorted(_closure(packages, wanted))]
    manager.fetch(Resolution(tuple(chosen)), NullReport())
    return [(one, manager.downloads.path(one)) for one in chosen]


def _closure(packages: Iterable[str], known: Mapping[str, Resolved]) -> set[str]:
    """Return the packages and what they need: Debian's own base is larger than that."""
    needs = {one.package.name: one.needs for one in records.candidates(list(known.values()))}
    found: set[str] = set()
    todo = list(packages)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs[name]
    return found - _NOT_TAKEN


def _convert(package: Resolved, deb: Path, names: set[str], work: Path, place: Path) -> None:
    fields = records.fields(package.record)
    root = work / package.name
    run(["dpkg-deb", "--extract", deb, root])
    for name in _MERGED:
        if (root / name).is_dir():
            run(["cp", "--archive", "--link", f"{root / name}/.", made(root / "usr" / name)])
            shutil.rmtree(root / name)
    for kernel in root.glob("boot/vmlinuz-*"):
        _like_el(root, kernel.name.removeprefix("vmlinuz-"))
    lines = ["Requires: setup", *(f"Requires: {name}" for name in _first(fields, ("Pre-Depends", "Depends"), names))]
    lines += [f"Recommends: {name}" for name in _first(fields, ("Recommends",), names)]
    lines += [f"Provides: {name}" for name in _names(fields.get("Provides", ""))]
    if package.name == "dash":
        lines.append("Provides: /bin/sh")
    scripts = "%post\necho configured > /var/lib/configured-tar\n" if package.name == "tar" else ""
    arch = _ARCHITECTURES[package.architecture]
    make_rpm(place, package.name, _evr(package.version), arch, root=root, more="\n".join(lines), scripts=scripts)
    shutil.rmtree(root)


def _like_el(root: Path, version: str) -> None:
    """Put a kernel where distributions of rpm packages have it: all of it beside its modules."""
    for name in ("vmlinuz", "config", "System.map"):
        (root / f"boot/{name}-{version}").rename(root / f"usr/lib/modules/{version}/{name}")
    (root / "lib").symlink_to("usr/lib")
    run(["depmod", "--basedir", root, version])
    (root / "lib").unlink()


def _setup(place: Path, work: Path) -> None:
    root = work / "setup"
    for name in _DIRECTORIES:
        made(root / name)
    for name in _MERGED:
        (root / name).symlink_to(f"usr/{name}")
    for name, text in _TEXTS.items():
        made((root / name).parent)
        (root / name).write_text(text)
    make_rpm(place, "setup", "1:2.13-1", "noarch", root=root, scripts="%post -p <lua>\nposix.mkdir('/var/lib/setup')\n")


def _names(clauses: str) -> list[str]:
    return [match[1] for match in re.finditer(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]*)", clauses)]


def _first(fields: records.Record, kinds: Iterable[str], names: set[str]) -> Iterator[str]:
    """Yield of each clause the first alternative that is there."""
    for kind in kinds:
        for clause in fields.get(kind, "").split(","):
            alternatives = (re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", one) for one in clause.split("|"))
            found = next((match[1] for match in alternatives if match and match[1] in names), None)
            if found:
                yield found


def _evr(version: str) -> str:
    """Return a version of Debian as [epoch:]version-release; rpm allows fewer characters."""
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-")
    clean = [re.sub(r"[^A-Za-z0-9.+~^]", "_", one) for one in ((upstream, revision) if upstream else (rest, "1"))]
    return (f"{epoch}:" if epoch else "") + "-".join(clean)
