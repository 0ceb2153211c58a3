"""sb pkg IMAGE resolve: a table, JSON or CSV of what would be installed; unknown packages on stderr."""

import json
import subprocess
import sys
from pathlib import Path

from debs import index, make_deb

from sbkernel.site import Site


def resolve(tmp_path: Path, form: str) -> subprocess.CompletedProcess[str]:
    words = ["--site", str(tmp_path / "site"), "pkg", "x", "resolve", "--format", form]
    return subprocess.run([sys.executable, "-m", "sbkernel.cli", *words], capture_output=True, text=True, check=False)


def test_pkg_resolves(tmp_path: Path) -> None:
    repository = tmp_path / "debs"
    repository.mkdir()
    make_deb(repository, "lib", {"usr/lib/lib": "x"}, Installed_Size="2000")
    make_deb(repository, "tool", Depends="lib")
    index(repository)
    listed = tmp_path / "x.pkglist"
    listed.write_text("tool\ntoool\n")
    with Site.open(tmp_path / "site") as site:
        site.set(
            "osimage", "x", imagetype="linux", osvers="debian12", osarch="x86_64", profile="x", provmethod="netboot",
            pkglist=str(listed), pkgdir=str(repository), rootimgdir=str(tmp_path / "built"),
        )  # fmt: skip
    said = resolve(tmp_path, "text")
    assert said.returncode == 1
    head, lib, tool, *rest = [line.split() for line in said.stdout.splitlines()]
    assert head == ["NAME", "VERSION", "ARCH", "DOWNLOAD", "SIZE", "WHY"]
    assert (lib[:3], lib[5:]) == (["lib", "1.0", "all"], ["2.0", "MB", "needed", "by", "tool"])
    assert (tool[0], tool[-1]) == ("tool", "asked")
    assert rest[0] == ["2", "packages"]
    assert said.stderr == f"{listed}:2:1: error: no source has a package toool\n    did you mean tool?\n"
    data = json.loads(resolve(tmp_path, "json").stdout)
    assert [(one["name"], one["why"], one["needed_by"]) for one in data["packages"]] == [
        ("lib", "dependency", ["tool"]),
        ("tool", "asked", []),
    ]
    assert resolve(tmp_path, "csv").stdout.splitlines()[0].startswith("name,version,arch")
