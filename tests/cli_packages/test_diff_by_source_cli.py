"""sb diff of images of two package formats: by source, side by side, and refused when packages are to be compared."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel.packages.manifest import manifest
from sbkernel.packages.package import Package


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    debian = Package("libssl3", "3.0.17-1", "amd64", "deb", 5, "openssl", "3.0.17-1")
    rocky = Package("openssl-libs", "1:3.0.7-27.el9", "x86_64", "rpm", 9, "openssl", "3.0.7-27.el9")
    for name, package in (("deb", debian), ("el", rocky)):
        (tmp_path / f"{name}.json").write_text(manifest([package], name=name).to_json())
    return f"{tmp_path}/deb.json", f"{tmp_path}/el.json"


def sb(*words: str) -> subprocess.CompletedProcess[str]:
    site = Path(words[-1]).parent / "site"
    return subprocess.run(
        [sys.executable, "-m", "sbkernel.cli", "--site", str(site), "diff", *words],
        capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2], env=os.environ,
    )  # fmt: skip


def test_two_formats_are_compared_by_source(files: tuple[str, str]) -> None:
    done = sb("--format", "json", *files)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["by"] == "source"
    (row,) = said["rows"]
    assert (row["change"], row["name"], row["old"], row["new"]) == ("changed", "openssl", "3.0.17-1", "3.0.7-27.el9")
    assert sb("--matrix", *files).stdout.splitlines()[-1].split() == ["openssl", "3.0.17-1", "3.0.7-27.el9"]


def test_packages_of_two_formats_are_not_compared(files: tuple[str, str]) -> None:
    done = sb("--by", "package", *files)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is made of deb packages" in done.stderr and "--by source" in done.stderr
    assert sb("--by", "name", *files).returncode == 2
