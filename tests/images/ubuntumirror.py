"""A mirror that looks like Ubuntu's: Debian's packages, their members packed by zstd, two components, an own key."""

import lzma
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from debs import make_deb, make_kernel

_RELEASE = {"Origin": "Ubuntu", "Label": "Ubuntu", "Suite": "noble", "Codename": "noble", "Version": "24.04",
            "Architectures": "amd64", "Components": "main universe"}  # fmt: skip
_HEADER = 60


def make_mirror(place: Path, debs: Iterable[Path], home: Path, kernelver: str) -> Path:
    """Make the mirror of these packages, a kernel and one package in universe; return the key that has signed it."""
    for component in ("main", "universe"):
        (place / "pool" / component).mkdir(parents=True)
        (place / f"dists/noble/{component}/binary-amd64").mkdir(parents=True)
    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda deb: repack(deb, place / "pool/main" / deb.name), debs))
    with tempfile.TemporaryDirectory() as work:
        make_kernel(Path(work), kernelver)
        make_deb(Path(work), "linux-image-generic", Depends=f"linux-image-{kernelver}")
        for deb in Path(work).glob("*.deb"):
            repack(deb, place / "pool/main" / deb.name)
    with tempfile.TemporaryDirectory() as work:
        make_deb(Path(work), "own-universe", {"usr/share/own-universe": "x"})
        for deb in Path(work).glob("*.deb"):
            repack(deb, place / "pool/universe" / deb.name)
    for component in ("main", "universe"):
        packages = _said(["apt-ftparchive", "packages", f"pool/{component}"], place)
        (place / f"dists/noble/{component}/binary-amd64/Packages").write_text(packages)
    options = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in _RELEASE.items()]
    (place / "dists/noble/Release").write_text(_said(["apt-ftparchive", *options, "release", "dists/noble"], place))
    return sign(place / "dists/noble", home)


def sign(suite: Path, home: Path) -> Path:
    """Sign a Release file with a new key; return the file of its public half."""
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", ""]
    try:
        subprocess.run([*gpg, "--quick-generate-key", "Ubuntu-like <u@u.invalid>", "ed25519"], check=True,
                       capture_output=True)  # fmt: skip
        subprocess.run([*gpg, "--clearsign", "--output", suite / "InRelease", suite / "Release"], check=True)
        key = home.with_suffix(".asc")
        subprocess.run([*gpg, "--armor", "--output", key, "--export"], check=True)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)
    return key


def repack(deb: Path, target: Path) -> None:
    """Write a package anew with its members packed by zstd, as Ubuntu packs them (deb(5))."""
    with target.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, header, data in _members(deb.read_bytes()):
            stem = name.partition(".tar")[0]
            if stem != name:
                name, data = f"{stem}.tar.zst", _zstd(_unpacked(name, data))
            file.write(f"{name:<16}".encode() + header[16:48] + f"{len(data):<10}`\n".encode() + data)
            file.write(b"\n" * (len(data) % 2))


def _members(archive: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    start = 8
    while start < len(archive):
        header = archive[start : start + _HEADER]
        size = int(header[48:58])
        start += _HEADER
        yield header[:16].decode().strip().rstrip("/"), header, archive[start : start + size]
        start += size + size % 2


def _unpacked(name: str, data: bytes) -> bytes:
    if name.endswith(".xz"):
        return lzma.decompress(data)
    return _filtered(["zstd", "-dqc"] if name.endswith(".zst") else ["gzip", "-dc"], data)


def _zstd(data: bytes) -> bytes:
    return _filtered(["zstd", "-1", "-qc"], data)


def _filtered(argv: list[str], data: bytes) -> bytes:
    return subprocess.run(argv, input=data, check=True, capture_output=True).stdout


def _said(argv: list[str], place: Path) -> str:
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    return subprocess.run(argv, cwd=place, check=True, capture_output=True, text=True, env=env).stdout


def damage(place: Path) -> None:
    """Change the index of a mirror, but not its signature."""
    shutil.copy(place / "dists/noble/universe/binary-amd64/Packages", place / "dists/noble/main/binary-amd64/Packages")
