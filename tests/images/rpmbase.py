"""The smallest rpm distribution in which scriptlets run: one package with a static busybox and a few files."""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rpms import make_repository, make_rpm

from sbkernel.images.families import family_of
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.rpm.manager import RpmManager
from sbkernel.lists import otherpkglist, pkglist
from sbkernel.site import Site

BASE = "small-base"
BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "cat", "chmod", "cp", "date", "echo", "env", "find", "grep", "id", "ln", "ls", "mkdir", "mv", "rm",
           "rmdir", "sed", "sleep", "stat", "test", "touch", "true", "uname")  # fmt: skip
TEXTS = {
    "etc/os-release": 'ID=rocky\nVERSION_ID="9.4"\nPRETTY_NAME="Small Linux 9.4"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:secret:19000::::::\n",
    "etc/selinux/config": "SELINUX=enforcing\n",
}


def make_base(directory: Path, *, arch: str = "x86_64") -> None:
    """Make a repository of the package small-base."""
    root = directory / ".base"
    for name in ("usr/bin", "usr/sbin", "usr/lib", "var/log", "var/tmp", "root", "tmp", "proc", "sys", "dev", "run"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib"):
        (root / name).symlink_to(f"usr/{name}")
    shutil.copy(BUSYBOX, root / "usr/bin/busybox")
    for name in APPLETS:
        (root / "usr/bin" / name).symlink_to("busybox")
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    make_rpm(directory, BASE, arch=arch, root=root, more="Provides: /bin/sh")
    make_repository(directory)


def comps(directory: Path, group: str, packages: Sequence[str]) -> Path:
    """Write a file of groups with one group, and an environment of that name, for createrepo_c."""
    entries = "".join(f'<packagereq type="mandatory">{name}</packagereq>' for name in packages)
    file = directory / "comps.xml"
    file.write_text(
        f"<comps><group><id>{group}</id><name>Group {group}</name><description/><default>true</default>"
        f"<uservisible>true</uservisible><packagelist>{entries}</packagelist></group>"
        f"<environment><id>{group}-environment</id><name>{group}</name><description/><display_order>1</display_order>"
        f"<grouplist><groupid>{group}</groupid></grouplist></environment></comps>"
    )
    return file


def modules(directory: Path, name: str, streams: Mapping[str, str], *, default: str) -> None:
    """Add a module with an artifact a stream to the index of a repository (modulemd-v2)."""
    documents = [
        f'document: modulemd\nversion: 2\ndata:\n  name: {name}\n  stream: "{stream}"\n  version: 1\n'
        f"  context: c{stream}\n  arch: x86_64\n  summary: x\n  description: x\n  license: {{module: [MIT]}}\n"
        f"  profiles: {{common: {{rpms: [{name}]}}}}\n  artifacts:\n    rpms: [{artifact}]\n"
        for stream, artifact in streams.items()
    ]
    profiles = ", ".join(f'"{stream}": [common]' for stream in streams)
    defaults = f'{{module: {name}, stream: "{default}", profiles: {{{profiles}}}}}'
    documents.append(f"document: modulemd-defaults\nversion: 1\ndata: {defaults}\n")
    file = directory / "modules.yaml"
    file.write_text("".join(f"---\n{text}...\n" for text in documents))
    subprocess.run(["modifyrepo_c", "--mdtype=modules", file, directory / "repodata"], check=True, capture_output=True)


def advise(directory: Path, *advisories: tuple[str, str, Sequence[str]]) -> None:
    """Add advisories to the index of a repository: id, type (security, bugfix) and what each names as name-evr."""
    updates = ""
    for number, kind, packages in advisories:
        named = "".join(f"<package {_attributes(one)}><filename>{one}.rpm</filename></package>" for one in packages)
        updates += (
            f'<update from="x" status="final" type="{kind}" version="1"><id>{number}</id><title>{number}</title>'
            f'<issued date="2026-01-02 03:04:05"/><pkglist><collection short="x"><name>x</name>{named}</collection>'
            "</pkglist></update>"
        )
    put_advisories(directory, f"<updates>{updates}</updates>")


def put_advisories(directory: Path, text: str, compressed: tuple[str, str] = ("gzip -c", ".gz")) -> None:
    """Add a text as the advisories of a repository, compressed by a program; names of what it writes end so.

    modifyrepo_c of Debian 12 refuses what zstd has compressed, so the entry is written here.
    """
    program, end = compressed
    plain = directory / "updateinfo.xml"
    plain.write_text(text)
    file = directory / "repodata" / f"advisories.xml{end}"
    file.write_bytes(subprocess.run([*program.split(), plain], check=True, capture_output=True).stdout)
    index = directory / "repodata/repomd.xml"
    total = hashlib.sha256(file.read_bytes()).hexdigest()
    entry = f'<checksum type="sha256">{total}</checksum><location href="repodata/{file.name}"/>'
    index.write_text(index.read_text().replace("</repomd>", f'<data type="updateinfo">{entry}</data></repomd>'))


def _attributes(package: str) -> str:
    """Return what updateinfo has of name-[epoch:]version-release."""
    name, version, release = package.rsplit("-", 2)
    epoch, _, version = version.rpartition(":")
    return f'name="{name}" epoch="{epoch or 0}" version="{version}" release="{release}" arch="x86_64"'


def open_image(site: Site, pkgdir: str, text: str, other: str = "", **more: str) -> RpmManager:
    """Open dnf for an osimage with these lists; `more` are further attributes."""
    attributes = {"osvers": "rocky9.4", "osarch": "x86_64", "pkgdir": pkgdir, **more}
    request = Request(attributes, pkglist.parse(text), otherpkglist.parse(other))
    manager = family_of(attributes["osvers"]).open(site, request)
    assert isinstance(manager, RpmManager)
    return manager
