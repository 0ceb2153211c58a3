"""sb shims: scripts written for xCAT run unchanged, through programs of xCAT's names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sbrun import Sb

from sbkernel.cli.definitions.shims import NAMES

COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def programs(sb: Sb, tmp_path: Path) -> Path:
    directory = tmp_path / "a bin"
    assert sb("shims", str(directory)).code == 0
    return directory


def script(programs: Path, where: Path, text: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SBKERNEL_SITE": str(where)}
    return subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, env=environment, cwd=where.parent)


def test_it_says_what_it_wrote(sb: Sb, tmp_path: Path) -> None:
    done = sb("shims", str(tmp_path / "bin"))
    assert done.out.splitlines() == [f"{tmp_path}/bin/{name}" for name in NAMES]
    assert done.err == f"{len(NAMES)} programs written. export PATH={tmp_path}/bin:$PATH\n"
    assert sb("shims", str(tmp_path / "bin")).code == 0, "its own are replaced"


def test_the_clone_idiom(programs: Path, where: Path) -> None:
    text = f"lsdef -t osimage -z {COMPUTE} | sed 's/^{COMPUTE}:/mine:/' | mkdef -z && lsdef -t osimage"
    done = script(programs, where, text)
    assert done.stdout.splitlines()[0] == "1 object definitions have been created or modified."
    assert "mine  (osimage)" in done.stdout.splitlines()
    assert done.returncode == 0


def test_tables_and_loops(programs: Path, where: Path) -> None:
    text = """
chdef -t site domain=cluster.example >/dev/null
tabdump site | grep '^"domain"'
mkdef 'n[1-3]' groups=all >/dev/null
nodels all | while read node; do chdef $node usercomment="rack $node"; done
lsdef all -i usercomment -c
rmdef n2; echo $?
lsdef n2 2>/dev/null; echo $?
"""
    assert script(programs, where, text).stdout.splitlines() == [
        '"domain","cluster.example",,',
        *["1 object definitions have been created or modified."] * 3,
        *[f"n{number}: usercomment=rack n{number}" for number in (1, 2, 3)],
        "1 object definitions have been removed.",
        "0",
        "No object definitions have been found",
        "1",
    ]


def test_a_package_of_the_same_name_in_the_directory_does_not_count(programs: Path, where: Path) -> None:
    (where.parent / "sbkernel").mkdir()
    (where.parent / "sbkernel" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    assert script(programs, where, "lsdef -t site").stdout == "clustersite  (site)\n"


def test_programs_of_others_stay(sb: Sb, tmp_path: Path) -> None:
    (tmp_path / "lsdef").write_text("#!/bin/sh\necho xCAT\n")
    (tmp_path / "rpower").symlink_to("/nowhere")
    refused = sb("shims", str(tmp_path))
    assert refused.code == 1
    assert "programs that sb did not write: lsdef, rpower\n  Choose another" in refused.err
    assert not (tmp_path / "mkdef").exists()
    assert sb("shims", str(tmp_path), "--force").code == 0
    assert sys.executable in (tmp_path / "rpower").read_text()


def test_remove_takes_its_own_alone(sb: Sb, programs: Path) -> None:
    (programs / "nodeset").write_text("mine")
    assert len(sb("shims", str(programs), "--remove").out.splitlines()) == len(NAMES) - 1
    assert [path.name for path in programs.iterdir()] == ["nodeset"]
    again = sb("shims", str(programs), "--remove")
    assert (again.code, again.out) == (1, "")
