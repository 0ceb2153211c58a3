"""A disk that gets full at any step: said as such, nothing half done, and the next run goes on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rpmbase import TEXTS
from rpms import make_repository, make_rpm

HERE = Path(__file__).parent
KERNEL = "usr/lib/modules/5.14-1.x86_64"
MEGABYTE = 1 << 20
PROGRAMS = ("cat", "chmod", "cp", "dash", "env", "find", "grep", "ln", "ls", "mkdir", "mv", "rm", "sed", "tar", "touch")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of this host that a build runs, and a kernel of 50 MB that packs to almost nothing, beside 4 MB."""
    place = tmp_path_factory.mktemp("repository")
    make_rpm(place, "programs", root=programs(place / ".programs"), more="Provides: /bin/sh")
    files = {f"{KERNEL}/{name}": text for name, text in (("vmlinuz", "k"), ("modules.dep", "kernel/a.ko:\n"))}
    noise = os.urandom(2 * MEGABYTE).hex()
    files |= {f"{KERNEL}/large": "0" * 50 * MEGABYTE, f"{KERNEL}/noise": noise}
    make_rpm(place, "kernel", "5.14-1", files=files)
    make_repository(place)
    return place


def programs(root: Path) -> Path:
    for name in (
        "var/log",
        "var/tmp",
        "etc",
        "root",
        "tmp",
        "proc",
        "sys",
        "dev",
        "run",
        "usr/lib64",
        "usr/bin",
        "usr/sbin",
    ):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for program in PROGRAMS:
        said = subprocess.run(["ldd", f"/usr/bin/{program}"], check=True, capture_output=True, text=True).stdout
        for file in (f"/usr/bin/{program}", *(word for word in said.split() if word.startswith("/"))):
            target = root / (file.lstrip("/") if file.startswith("/usr") else f"usr{file}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    (root / "usr/bin/sh").symlink_to("dash")
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("verb", "left_mb", "said"),
    [
        ("genimage", 1, "packages to download take"),
        ("genimage", 30, "install packages: no space left on the disk of"),
        # What is installed is copied meanwhile: either may be the first that finds no room.
        ("genimage", 80, "(copy the layer|install packages): no space left on the disk of"),
        ("packimage", 1, "no space left on the disk of"),
    ],
)
def test_it_is_said_and_the_next_run_goes_on(
    repository: Path, tmp_path: Path, verb: str, left_mb: int, said: str
) -> None:
    """The disk is a small tmpfs that only the processes of this test see."""
    body = [sys.executable, HERE / "fulldisk.py", tmp_path, repository, "programs kernel", verb, str(left_mb)]
    done = subprocess.run(["unshare", "--mount", "--map-root-user", *body], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout
