"""Discs of rpm distributions: what says which one a disc is, and what its repositories are checked by."""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterator, Sequence

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families.rpm.releases import ARCHITECTURES
from sbkernel.images.media.medium import Disc, Medium, read
from sbkernel.lists.diagnostic import shown

_REPOMD = "repodata/repomd.xml"
# What a disc calls its distribution: what xCAT does. The first that fits counts.
_FAMILIES = (
    ("red hat enterprise linux", "rhels"), ("rhel", "rhels"), ("rocky", "rocky"), ("almalinux", "alma"),
    ("centos stream", "centos-stream"), ("centos", "centos"), ("oracle", "ol"), ("scientific", "SL"),
    ("fedora", "fedora"), ("opensuse leap", "leap"), ("opensuse-leap", "leap"),
)  # fmt: skip
_VERSION = re.compile(r"\d+(?:\.\d+)*")
_SUSE = re.compile(r"\bSLE(?:S|D|_HPC)?-?(\d+)(?:-SP(\d+))?\b")
_LEAP = re.compile(r"\bopenSUSE-Leap-(\d+\.\d+)\b")
_SUSE_MEDIA = re.compile(r"media\.([1-9]\d{0,2})/media")
_LOCATION = re.compile(r"<location\b[^>]*\bhref=[\"']([^\"']+)[\"']")
_KEYS = re.compile(r"RPM-GPG-KEY[^/]*|.*repodata/repomd\.xml\.key")


class RpmMedia:
    """Discs with .treeinfo or .discinfo (RHEL and its kin, Fedora), and with media.1 (SUSE)."""

    signs = (".treeinfo", ".discinfo", "media.1/media")
    indexes = ("repodata",)

    def disc(self, medium: Medium) -> Disc | None:
        """Return what a disc is, or None."""
        return _of_treeinfo(medium) or _of_discinfo(medium) or _of_suse(medium)

    def check(self, medium: Medium, disc: Disc) -> Sequence[str]:
        """Return remarks about a disc; BuildError when it has no packages, or an index is not whole."""
        found = [path.removesuffix(_REPOMD) for path in medium.files if _is_repomd(path)]
        if not found:
            raise BuildError(
                f"{medium.source} holds no packages: there is no {_REPOMD} on it",
                hint="a disc that only boots brings none: take the DVD, or name a mirror (sb copycds -h)",
            )
        kinds = {path.split(".")[-2] for path in medium.files if path.endswith(".rpm")} - {"noarch", "src", "nosrc"}
        if kinds and disc.osarch not in kinds:
            others = ", ".join(map(shown, sorted(kinds)))
            raise BuildError(f"{medium.source} is for {others}, not for {disc.osarch}", hint="correct -a")
        for top in found:
            _check_whole(medium, top)
        keys = sorted(path for path in medium.files if _KEYS.fullmatch(path))
        if keys:
            return [f"packages are checked by the keys on the disc: {', '.join(map(shown, keys))}"]
        return ["there are no keys on the disc: its packages are taken as they are; compare the checksum of the image"]

    def pkgdirs(self, sources: Sequence[str], osvers: str, osarch: str) -> Sequence[str]:
        """Return the addresses as they are, then those below them: of a copied disc, and of a mirror of EL."""
        if not sources:
            raise DefinitionError(
                f"this host has no package sources for {osvers}", hint="name a mirror: https://… gpgkey=/PATH/OF/KEY"
            )
        return [",".join(_below(one, path) for one in sources for path in layout) for layout in _layouts(osarch)]


def _layouts(osarch: str) -> Sequence[Sequence[str]]:
    whole = ("BaseOS", "AppStream")
    return [("",), whole, [f"{one}/{osarch}/os" for one in whole]]


def _below(source: str, path: str) -> str:
    """Return an address that may have options after it, with a path below it."""
    address, blank, options = source.strip().partition(" ")
    return f"{address.rstrip('/')}/{path}{blank}{options}" if path else source.strip()


def _is_repomd(path: str) -> bool:
    return path == _REPOMD or path.endswith(f"/{_REPOMD}")


def _check_whole(medium: Medium, top: str) -> None:
    text = read(medium, f"{top}{_REPOMD}")
    missing = [href for href in _LOCATION.findall(text) if posixpath.normpath(top + href) not in medium.files]
    if missing or not _LOCATION.search(text):
        what = f"{shown(missing[0])} is missing" if missing else "it names no index"
        raise BuildError(f"{medium.source}: {top}{_REPOMD} is damaged: {what}", hint="download or copy the disc again")


def _of_treeinfo(medium: Medium) -> Disc | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(read(medium, ".treeinfo") or read(medium, "treeinfo"))
    except configparser.Error:
        return None
    general = {**_section(parser, "release"), **_section(parser, "general")}
    name = general.get("family") or general.get("name", "")
    return _disc(name, general.get("version", ""), general.get("arch", ""), _number(medium))


def _section(parser: configparser.ConfigParser, name: str) -> dict[str, str]:
    return dict(parser[name]) if parser.has_section(name) else {}


def _of_discinfo(medium: Medium) -> Disc | None:
    """Read .discinfo: a time, what the disc is, the architecture, and the numbers of the discs (anaconda)."""
    _, title, arch, *_ = [*read(medium, ".discinfo").splitlines(), "", "", ""]
    version = _VERSION.search(title)
    return _disc(title, version[0] if version else "", arch.strip(), _number(medium))


def _number(medium: Medium) -> int:
    lines = read(medium, ".discinfo").splitlines()
    first = re.match(r"\d{1,3}", lines[3]) if len(lines) > 3 else None
    return max(1, int(first[0])) if first else 1


def _of_suse(medium: Medium) -> Disc | None:
    for path in sorted(medium.files):
        if number := _SUSE_MEDIA.fullmatch(path):
            text = read(medium, path)
            osvers = next(_suse_versions(text), "")
            arch = next((one for one in ARCHITECTURES if one in text), "")
            if osvers and arch:
                return Disc(osvers, arch, int(number[1]))
    return None


def _suse_versions(text: str) -> Iterator[str]:
    if match := _SUSE.search(text):
        yield f"sle{match[1]}.{match[2]}" if match[2] else f"sle{match[1]}"
    if match := _LEAP.search(text):
        yield f"leap{match[1]}"


def _disc(name: str, version: str, arch: str, number: int) -> Disc | None:
    prefix = next((ours for theirs, ours in _FAMILIES if name.lower().startswith(theirs)), None)
    if prefix is None or not _VERSION.fullmatch(version) or arch not in ARCHITECTURES:
        return None
    return Disc(f"{prefix}{version}", arch, number)
