"""The site's own scripts, as xCAT calls them: `script TREE osvers osarch profile arguments…` on the build host."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError
from sbkernel.files import write_whole
from sbkernel.images import tree
from sbkernel.images.spec import ImageSpec
from sbkernel.jobs.report import Report


def environment(spec: ImageSpec, root: Path, kernelver: str) -> dict[str, str]:
    """Return what the scripts find in their environment; empty values are left out, as in xCAT."""
    values: Mapping[str, str] = {
        "IMG_NAME": spec.image,
        "IMG_ARCH": spec.osarch,
        "IMG_OSVER": spec.osvers,
        "IMG_KERNELVERSION": kernelver,
        "IMG_PROFILE": spec.profile,
        "IMG_PKGLIST": spec.attributes.get("pkglist", ""),
        "IMG_PKGDIR": spec.attributes.get("pkgdir", ""),
        "IMG_OTHERPKGLIST": spec.attributes.get("otherpkglist", ""),
        "IMG_OTHERPKGDIR": spec.attributes.get("otherpkgdir", ""),
        "IMG_ROOTIMGDIR": str(root),
    }
    return {key: value for key, value in values.items() if value}


def run_scripts(spec: ImageSpec, root: Path, kernelver: str, report: Report) -> None:
    """Run the scripts one after the other; raise BuildError at the first that fails.

    A `uname` that names the image's kernel comes first on their PATH, as in xCAT; it lies beside the tree.
    """
    programs = root.with_name("bin")
    programs.mkdir()
    uname = (resources.templates() / "image" / "uname.sh").read_bytes()
    write_whole(programs / "uname", uname, mode=0o755)
    env = environment(spec, root, kernelver) | {"PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}"}
    for number, (script, *arguments) in enumerate(spec.postinstall, start=1):
        report.progress(number, len(spec.postinstall), Path(script).name)
        argv = [script, str(root), spec.osvers, spec.osarch, spec.profile, *arguments]
        try:
            tree.enter(root, argv, env=env, on_line=report.log)
        except CommandError as error:
            raise BuildError(f"postinstall script {script} failed:\n{error.tail}") from error
