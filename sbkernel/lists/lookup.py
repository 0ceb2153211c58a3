"""Find the default list file of an image (xCAT: chdef -u, copycds)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sbkernel.definitions.listpaths import candidates, platform
from sbkernel.site import Site


def directories(site: Site, osvers: str) -> tuple[Path, Path]:
    """Return the directories to search for lists of stateless images: the site's own, then the shipped one."""
    name = platform(osvers)
    return site.installdir / "custom" / "netboot" / name, site.root / "share" / "netboot" / name


def find(site_dirs: Iterable[Path], profile: str, osvers: str, osarch: str, ext: str) -> Path | None:
    """Return the best list file for a profile from the first directory that has one, or None.

    `ext` is pkglist, exlist, imgcapture.exlist, otherpkgs.pkglist, fstab, synclist or postinstall (which must be
    executable).
    """
    for directory in site_dirs:
        for name in candidates(profile, osvers, osarch, ext):
            path = directory / name
            if path.is_file() and (ext != "postinstall" or path.stat().st_mode & 0o100):
                return path
    return None
