"""The fstab of an image: which one it gets, and what happens to one that somebody edited in the tree."""

from __future__ import annotations

import difflib
import hashlib
import stat
from pathlib import Path

from sbkernel.files import write_whole
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import Described, ImageSpec
from sbkernel.jobs.report import Report
from sbkernel.lists import fstab, lookup
from sbkernel.site import Site


def choose_fstab(site: Site, spec: Described) -> tuple[str, str]:
    """Return the text of the fstab and where it is from: the site's own file, or xCAT's default."""
    own = own_fstab(site, spec)
    return (default_fstab(spec), "default") if own is None else (own.read_text(), str(own))


def own_fstab(site: Site, spec: Described) -> Path | None:
    """Return the site's own fstab for an image, if it has one."""
    return lookup.find(lookup.directories(site, spec.osvers), spec.profile, spec.osvers, spec.osarch, "fstab")


def default_fstab(spec: Described) -> str:
    """Return the fstab as xCAT writes it."""
    return fstab.default(spec.profile, spec.osarch, spec.osvers)


def keep_edited(site: Site, spec: ImageSpec, directory: RootimgDir, report: Report) -> None:
    """Keep the default beside the tree, and an fstab that somebody edited in the old tree, which is about to go.

    Where a killed run has left no record of what the old tree was given, whatever differs from the new one is kept.
    """
    write_whole(directory.path / "fstab.default", default_fstab(spec))
    new = directory.new(directory.tree)
    text = read_fstab(directory.tree)
    given = directory.record().get("fstab") or (fstab_digest(new) if new.exists() else None)
    if text is None or given is None:
        return
    if hashlib.sha256(text).hexdigest() != given:
        kept = directory.path / "fstab.edited"
        write_whole(kept, text)
        durable = lookup.directories(site, spec.osvers)[0] / f"{spec.profile}.fstab"
        report.log(f"etc/fstab had been edited by hand: kept as {kept}; to make it last, copy it to {durable}")


def fstab_digest(tree: Path) -> str:
    """Return the sha256 of a tree's /etc/fstab, empty if there is none; a link is not followed out of the tree."""
    text = read_fstab(tree)
    return "" if text is None else hashlib.sha256(text).hexdigest()


def read_fstab(tree: Path) -> bytes | None:
    """Return a tree's /etc/fstab, or None if it is not a plain file."""
    path = tree / "etc/fstab"
    try:
        return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None
    except FileNotFoundError:
        return None


def fstab_changes(before: bytes | None, after: bytes | None) -> list[str]:
    """Return what postinstall scripts made of the fstab, as lines to log; those that xCAT ships overwrite it."""
    if before == after:
        return []
    old, new = ((text or b"").decode(errors="replace").splitlines() for text in (before, after))
    changes = difflib.unified_diff(old, new, "configured", "after postinstall", n=0, lineterm="")
    return ["postinstall changed etc/fstab:", *changes]
