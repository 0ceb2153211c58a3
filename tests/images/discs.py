"""Small discs, made by the tests: what is on the discs of distributions, as far as a program looks at it."""

import gzip
import shutil
import subprocess
from pathlib import Path

from debs import make_deb
from rpms import make_repository, make_rpm

TREEINFO = """\
[header]
type = productmd.treeinfo
version = 1.2
[release]
name = {name}
version = {version}
[general]
; WARNING.0 = This section provides compatibility with pre-productmd treeinfos.
arch = {arch}
family = {name}
packagedir = Packages
version = {version}
"""
DEBIAN = 'Debian GNU/Linux {version} "Bookworm" - Official amd64 DVD Binary-{number} with firmware 20240210-11:28'
UBUNTU = 'Ubuntu-Server 24.04.1 LTS "Noble Numbat" - Release amd64 (20240827)'
PAYLOAD = b"\x7fELF" * 70_000


def write(directory: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


def make_iso(tree: Path, image: Path) -> Path:
    """Make an image of a directory, as distributions make theirs."""
    subprocess.run(
        ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-o", image, tree], check=True, capture_output=True
    )
    return image


def anaconda(tree: Path, name: str, version: str, arch: str = "x86_64", *, split: bool = False) -> Path:
    """Fill a directory as RHEL and its kin, and with one repository at its top Fedora, have their discs."""
    write(tree, {
        ".treeinfo": TREEINFO.format(name=name, version=version, arch=arch),
        ".discinfo": f"1714000000.123\n{name} {version}\n{arch}\nALL\n",
    })  # fmt: skip
    (tree / "images/pxeboot").mkdir(parents=True)
    (tree / "images/pxeboot/vmlinuz").write_bytes(PAYLOAD)
    for repository in ("BaseOS", "AppStream") if split else (".",):
        place = tree / repository
        make_rpm(place, f"tool-{repository.lower().strip('.') or 'all'}", arch=arch)
        _tidy(place)
        make_repository(place)
    return tree


def suse(tree: Path, title: str = "SLE-15-SP6-Full-x86_64-Build83.1-Media1") -> Path:
    """Fill a directory as SUSE has its discs."""
    write(tree, {
        "media.1/media": f"SUSE - {title}\n{title}\n1\n",
        "media.1/products": "/Module-Basesystem Basesystem-Module 15.6-0\n",
    })  # fmt: skip
    place = tree / "Module-Basesystem"
    make_rpm(place, "tool-basesystem")
    _tidy(place)
    make_repository(place)
    return tree


def _tidy(place: Path) -> None:
    shutil.rmtree(place / ".build")


def debian(
    tree: Path, info: str = "", *, package: str = "own-tool", suite: str = "bookworm", version: str = "12.5.0",
    number: int = 1,
) -> Path:  # fmt: skip
    """Fill a directory as Debian and Ubuntu have their discs: no signature, and links to itself."""
    pool = tree / "pool/main/o" / package
    pool.mkdir(parents=True)
    make_deb(pool, package)
    shutil.rmtree(pool / f".{package}")
    return of_packages(tree, info or DEBIAN.format(version=version, number=number), suite)


def of_packages(tree: Path, info: str, suite: str = "bookworm", listed: bytes = b"") -> Path:
    """Make a disc of Debian or Ubuntu of a directory with a pool; `listed` is its index if it is not to be made."""
    write(tree, {".disk/info": info})
    indexes = tree / "dists" / suite / "main/binary-amd64"
    indexes.mkdir(parents=True)
    if not listed:
        listed = subprocess.run(["dpkg-scanpackages", "pool"], cwd=tree, check=True, capture_output=True).stdout
    (indexes / "Packages").write_bytes(listed)
    (indexes / "Packages.gz").write_bytes(gzip.compress(listed, mtime=0))
    release = subprocess.run(
        ["apt-ftparchive", "-oAPT::FTPArchive::Release::Codename=" + suite, "-oAPT::FTPArchive::Release::Suite=stable",
         "-oAPT::FTPArchive::Release::Components=main", "-oAPT::FTPArchive::Release::Architectures=amd64",
         "release", f"dists/{suite}"],
        cwd=tree, check=True, capture_output=True,
    ).stdout  # fmt: skip
    (tree / "dists" / suite / "Release").write_bytes(release)
    (indexes / "Packages").unlink()  # its sum stays, as on real discs
    (tree / "dists/stable").symlink_to(suite)
    (tree / "debian").symlink_to(".")
    return tree
