"""sb sbom: to the screen, into a file, of an image and of a file, and what it says when it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel.packages.manifest import manifest
from sbkernel.packages.package import Package
from sbkernel.packages.release import Release

TOOL = Package("tool", "1:2-3", "noarch", "rpm", licence="MIT")


def sb(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sbkernel.cli", "--site", str(site), "sbom", *words],
        capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2], env=os.environ,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    found = manifest([TOOL], name="img", kind="image", release=Release("rocky", "9.4"), made=1, warnings=["x is odd"])
    path.write_text(found.to_json())
    return path


def test_json_goes_to_the_screen_and_warnings_beside(tmp_path: Path, file: Path) -> None:
    done = sb(tmp_path / "site", str(file))
    assert (done.returncode, done.stderr) == (0, "Warning: x is odd\n")
    bom = json.loads(done.stdout)
    assert (bom["bomFormat"], bom["specVersion"], bom["components"][0]["version"]) == ("CycloneDX", "1.6", "1:2-3")
    assert sb(tmp_path / "site", str(file)).stdout == done.stdout


def test_spdx_goes_into_a_file(tmp_path: Path, file: Path) -> None:
    done = sb(tmp_path / "site", "--format", "spdx", "-o", str(tmp_path / "out.json"), str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"Warning: x is odd\n1 packages, {tmp_path}/out.json\n"
    assert json.loads((tmp_path / "out.json").read_text())["spdxVersion"] == "SPDX-2.3"


def test_errors_say_what_to_do(tmp_path: Path, file: Path) -> None:
    done = sb(tmp_path / "site", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: none is no osimage, node or file\n  sb lsdef -t osimage; sb lsdef\n"
    done = sb(tmp_path / "site", "debian12-x86_64-netboot-compute")
    assert "was never built\n  sb genimage debian12-x86_64-netboot-compute" in done.stderr
    done = sb(tmp_path / "site", "-o", str(tmp_path / "no/where"), str(file))
    assert done.returncode == 1
    assert "no/where cannot be written: No such file or directory" in done.stderr
    assert sb(tmp_path / "site", "--format", "swid", str(file)).returncode == 2
