"""Make an rpm package of files, a quarter of a second each: nothing is compiled, stripped or searched for needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sbkernel.jobs.run import run

DATE = 1_700_000_000
"""When each package and its files were made, in seconds since the epoch."""

_SPEC = """\
%global __spec_install_pre %{{nil}}
%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
Name: {name}
{epoch}Version: {version}
Release: {release}
Summary: made to measure and to test
License: {licence}
URL: https://example.invalid/{name}
Vendor: Test Vendor
AutoReqProv: no
{more}
%description
x
{scripts}
%files
%defattr(-,root,root)
{files}
"""


def make_rpm(
    directory: Path,
    name: str,
    evr: str = "1.0-1",
    arch: str = "x86_64",
    *,
    licence: str = "GPLv2+ and MIT",
    more: str = "",
    files: Mapping[str, str] | None = None,
    root: Path | None = None,
    scripts: str = "",
    marks: Mapping[str, str] | None = None,
    made: int = DATE,
) -> Path:
    """Make a package; `evr` is [epoch:]version-release, `more` further lines of the preamble, `scripts` sections.

    It holds `files` by path with their text, else everything below `root`, else one file; `marks` says by path what a
    spec has before a file, such as %config. It is `made` then, in seconds since the epoch. Returns its file.
    Raises CommandError.
    """
    epoch, _, rest = evr.rpartition(":")
    version, _, release = rest.rpartition("-")
    top = directory / ".build"
    place = root or top / f"{name}.root"
    if root is None:
        shutil.rmtree(place, ignore_errors=True)
        for path, text in (files or {f"opt/{name}-{version}-{release}/file": f"{name}\n"}).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
            os.utime(place / path, (made, made))
    spec = top / f"{name}.spec"
    top.mkdir(parents=True, exist_ok=True)
    spec.write_text(
        _SPEC.format(
            name=name,
            epoch=f"Epoch: {epoch}\n" if epoch else "",
            version=version,
            release=release,
            licence=licence,
            more=more,
            scripts=scripts,
            files="\n".join(_listed(place, marks or {})),
        )
    )
    defines = {"_topdir": top, "_rpmdir": directory, "_build_id_links": "none", "_binary_payload": "w1.gzdio",
               "use_source_date_epoch_as_buildtime": "1", "_buildhost": "test"}  # fmt: skip
    argv: list[str | Path] = ["rpmbuild", "-bb", "--quiet", "--target", arch, "--buildroot", place, "--noclean"]
    definitions = [word for key, value in defines.items() for word in ("--define", f"{key} {value}")]
    run([*argv, *definitions, spec], env={"HOME": str(top), "SOURCE_DATE_EPOCH": str(made)})
    return directory / arch / f"{name}-{version}-{release}.{arch}.rpm"


def _listed(root: Path, marks: Mapping[str, str]) -> list[str]:
    """Return what a spec says of the files below a directory: files, links, and directories with nothing in them."""
    lines = []
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        quoted = '"/' + name.replace("%", "%%") + '"'
        if path.is_symlink() or not path.is_dir():
            lines.append(f"{marks.get(name, '')} {quoted}".strip())
        elif name in marks or not any(path.iterdir()):
            lines.append(f"{marks.get(name, '')} %dir {quoted}".strip())
    return lines
