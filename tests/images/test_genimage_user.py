"""genimage and packimage by an ordinary user, through the real command line."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import make_repository, pkgdir

ROOT = Path(__file__).resolve().parents[2]
USER = "sbkernel-test"
DEFINE = """
from sbkernel.site import Site
with Site.open() as site:
    site.set("osimage", "mine", imagetype="linux", osvers="debian12", osarch="x86_64", profile="mine",
        provmethod="netboot", pkglist='{pkglist}', pkgdir='{pkgdir}', postinstall='{script}')
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A user with subordinate ids and a home that nobody else may enter, gone afterwards."""
    subprocess.run(["userdel", "--force", "--remove", USER], capture_output=True)
    subprocess.run(["useradd", "--create-home", "--key", "HOME_MODE=0700", USER], check=True)
    assert USER in Path("/etc/subuid").read_text()
    home = Path(pwd.getpwnam(USER).pw_dir)
    yield home
    subprocess.run(["userdel", "--force", "--remove", USER], capture_output=True)
    subprocess.run(["rm", "-rf", home], check=True)


def reachable(needed: list[Path]) -> str:
    """Return shell commands that show some directories to everybody although one above them is closed."""
    hidden: dict[Path, list[Path]] = {}
    for path in needed:
        closed = next((above for above in reversed(path.parents) if not above.stat().st_mode & 1), None)
        if closed:
            hidden.setdefault(closed, []).append(path)
    commands = []
    for closed, paths in hidden.items():
        stashes = [f"/mnt/stash/{number}" for number, _ in enumerate(paths)]
        commands += ["mount -t tmpfs none /mnt", *(f"mkdir -p {stash}" for stash in stashes)]
        commands += [f"mount --bind {path} {stash}" for path, stash in zip(paths, stashes, strict=True)]
        commands += [f"mount -t tmpfs -o mode=755 none {closed}", *(f"mkdir -p {path}" for path in paths)]
        commands += [f"mount --bind {stash} {path}" for path, stash in zip(paths, stashes, strict=True)]
        commands += ["umount -l /mnt"]
    return " && ".join([*commands, "true"])


def as_user(home: Path, *words: str) -> str:
    """Run Python as the user, and return what it wrote."""
    needed = list(dict.fromkeys([Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT]))
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--inh-caps=-all", "--"]
    inner = f'{reachable(needed)} && exec "$@"'
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", inner, "sh", *become, sys.executable, *words],
        env=env, cwd="/", capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sb(home: Path, *words: str) -> str:
    return as_user(home, "-m", "sbkernel.cli", *words)


def test_an_ordinary_user_builds_and_packs_an_image(home: Path) -> None:
    debs = home / "debs"
    debs.mkdir()
    make_repository(debs)
    pkglist = debs / "mine.pkglist"
    pkglist.write_text("own-tool\nlinux-image-6.1.0-9-test\n")
    script = debs / "post.sh"
    script.write_text(
        '#!/bin/sh -e\nid -u > "$1/etc/built-by"\nchown daemon "$1/etc/built-by"\nchroot "$1" id daemon\n'
    )
    script.chmod(0o755)
    user = pwd.getpwnam(USER)
    for path in [debs, *debs.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid)
    as_user(home, "-c", DEFINE.format(pkglist=pkglist, pkgdir=pkgdir(debs), script=script))
    out = sb(home, "genimage", "mine")
    assert out.startswith("Generating image: \nbuilt: packages, configure, postinstall, kernel, initrd\n")
    tree = next(home.glob(".local/share/sbkernel/**/install/netboot/debian12/x86_64/mine/rootimg"))
    assert (tree / "usr/bin/own-tool").stat().st_uid == user.pw_uid
    assert (tree / "etc/built-by").read_text() == "0\n"
    assert (tree / "etc/built-by").stat().st_uid not in (0, 1, user.pw_uid)
    assert (tree / "usr/bin/passwd").stat().st_mode & 0o7777 == 0o4755
    assert USER not in Path("/proc/self/mountinfo").read_text()
    assert "nothing to do" in sb(home, "genimage", "mine")
    assert sb(home, "genimage", "--dry-run", "mine").count(" cached ") == 5
    assert "digest:" in sb(home, "packimage", "mine")
    root = next(home.glob(".local/share/sbkernel/**/catalog/*/root.squashfs"))
    listed = subprocess.run(["unsquashfs", "-lln", root], check=True, capture_output=True, text=True).stdout
    owners = {
        line.split()[-1].removeprefix("squashfs-root"): line.split()[1] for line in listed.splitlines() if "/" in line
    }
    assert owners["/usr/bin/own-tool"] == "0/0"
    assert owners["/etc/built-by"] == "1/0"
