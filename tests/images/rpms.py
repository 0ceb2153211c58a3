"""Real rpm packages and trees of them, made by the tests."""

import os
import subprocess
from pathlib import Path

SPEC = """\
Name: {name}
{epoch}Version: {version}
Release: {release}
Summary: made by a test
License: {licence}
URL: https://example.invalid/{name}
Vendor: Test Vendor
{more}
%description
x
%install
mkdir -p %{{buildroot}}/opt/{name}-{version}-{release}
echo {name} > %{{buildroot}}/opt/{name}-{version}-{release}/file
%files
/opt/{name}-{version}-{release}
"""


def make_rpm(
    directory: Path,
    name: str,
    evr: str = "1.0-1",
    arch: str = "x86_64",
    *,
    licence: str = "GPLv2+ and MIT",
    more: str = "",
) -> Path:
    """Make a package of one file; `evr` is [epoch:]version-release, `more` further lines of the preamble."""
    epoch, _, rest = evr.rpartition(":")
    version, _, release = rest.rpartition("-")
    top = directory / ".build"
    top.mkdir(parents=True, exist_ok=True)
    spec = top / f"{name}.spec"
    spec.write_text(
        SPEC.format(
            name=name,
            epoch=f"Epoch: {epoch}\n" if epoch else "",
            version=version,
            release=release,
            licence=licence,
            more=more,
        )
    )
    defines = ["--define", f"_topdir {top}", "--define", f"_rpmdir {directory}"]
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", "--target", arch, *defines, spec],
        check=True, capture_output=True, env={**os.environ, "HOME": str(top), "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    return directory / arch / f"{name}-{version}-{release}.{arch}.rpm"


def install(tree: Path, *packages: Path, database: str = "/var/lib/rpm") -> Path:
    """Install packages into a tree beside what is there, as kernels are."""
    tree.mkdir(exist_ok=True)
    subprocess.run(
        ["rpm", "--root", tree, "--dbpath", database, "--install", "--nodeps",
         "--force", "--ignorearch", *packages],
        check=True, capture_output=True,
    )  # fmt: skip
    return tree


def make_repository(directory: Path) -> None:
    """Make the packages of a directory a repository of dnf."""
    subprocess.run(["createrepo_c", "--quiet", directory], check=True)
