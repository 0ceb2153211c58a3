"""Compare packages by plain means: a join of two dicts, an outer merge and a pivot of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sbkernel.packages.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

MovedPackages = set[tuple[str, str]]


def join(a: Manifest, b: Manifest) -> MovedPackages:
    """Return name and architecture of the packages that differ."""
    old = {(package.name, package.arch): package.version for package in a}
    new = {(package.name, package.arch): package.version for package in b}
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def merge(a: Manifest, b: Manifest) -> pd.DataFrame:
    """Return the rows of an outer merge whose versions differ, with sizes, and whether they are older."""
    from debian.debian_support import NativeVersion

    merged = _frame(a).merge(_frame(b), on=["name", "arch"], how="outer", suffixes=("_old", "_new"))
    changed = merged[merged["version_old"].fillna("") != merged["version_new"].fillna("")]
    versions = zip(changed["version_old"], changed["version_new"], strict=True)
    older = [
        isinstance(old, str) and isinstance(new, str) and NativeVersion(new) < NativeVersion(old)
        for old, new in versions
    ]
    return changed.assign(delta=changed["size_new"].fillna(0) - changed["size_old"].fillna(0), older=older)


def pivot(manifests: Sequence[Manifest]) -> pd.DataFrame:
    """Return the packages that differ between the images, with a column for each image."""
    import pandas as pd

    frames = [_frame(one).assign(image=number) for number, one in enumerate(manifests)]
    wide = pd.concat(frames).set_index(["name", "arch", "image"])["version"].unstack(fill_value="")
    return wide[wide.nunique(axis=1) > 1]


def _frame(manifest: Manifest) -> pd.DataFrame:
    import pandas as pd

    rows = [(package.name, package.arch, package.version, package.size_bytes) for package in manifest]
    return pd.DataFrame(rows, columns=["name", "arch", "version", "size"])
