"""Read the bytes that a plan covers: templates, the fstab, keyrings, scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from sbkernel import resources
from sbkernel.images import configure
from sbkernel.images.spec import ImageSpec
from sbkernel.images.steps import Inputs
from sbkernel.lists import fstab, lookup
from sbkernel.site import Site


def read_inputs(site: Site, spec: ImageSpec) -> Inputs:
    """Read what an image is made of beside its packages."""
    templates = resources.templates()
    text, origin = choose_fstab(site, spec)
    scripts = (Path(script) for script, *_ in spec.postinstall)
    return Inputs(
        hooks={file.name: file.read_bytes() for file in hook_files()},
        root=below(templates / "image" / "root"),
        configure=(templates / "image" / "configure.sh").read_bytes(),
        fstab=text,
        fstab_origin=origin,
        keyrings=_named(path for path in configure.keyrings(spec.sources) if path.is_file()),
        scripts=_named(scripts),
        initrd={**below(templates / "initrd"), **_named(Path(p) for p in [shutil.which("busybox")] if p)},
    )


def hook_files() -> list[Path]:
    """Return the scripts that mmdebstrap runs."""
    return [resources.templates() / "image" / name for name in ("setup.sh", "extract.sh", "customize.sh")]


def below(directory: Path) -> dict[str, bytes]:
    """Return the files below a directory by relative path."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def _named(paths: Iterable[Path]) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in paths}


def choose_fstab(site: Site, spec: ImageSpec) -> tuple[str, str]:
    """Return the text of the fstab and where it is from: the site's own file, or xCAT's default."""
    own = lookup.find(lookup.directories(site, spec.osvers), spec.profile, spec.osvers, spec.osarch, "fstab")
    if own is not None:
        return own.read_text(), str(own)
    return default_fstab(spec), "default"


def default_fstab(spec: ImageSpec) -> str:
    """Return the fstab as xCAT writes it."""
    return fstab.default(spec.profile, spec.osarch, spec.osvers)
