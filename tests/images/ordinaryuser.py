"""An ordinary user of this host who runs our programs: with subordinate ids, and a home that nobody else may enter."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Tests in other processes have users of their own.
USER = f"sbkernel-{os.getpid()}"


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


def as_user(home: Path, *words: str, env: Mapping[str, str] | None = None, host: str = "") -> str:
    """Run Python as the user, with more in its environment, on a host of another name; return what it wrote."""
    needed = list(dict.fromkeys([Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT]))
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--inh-caps=-all", "--"]
    named = f"hostname {host} && " if host else ""
    # Programs that live in another time leave a file in shared memory each, so that is their own, too.
    own = "mount -t tmpfs -o mode=1777 shm /dev/shm && "
    inner = f'{named}{own}{reachable(needed)} && exec "$@"'
    base = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    more = [f"{name}={value}" for name, value in (env or {}).items()]
    done = subprocess.run(
        ["unshare", "--mount", "--uts", "sh", "-c", inner, "sh", *become, "env", *more, sys.executable, *words],
        env=base, cwd="/", capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sb(home: Path, *words: str) -> str:
    return as_user(home, "-m", "sbkernel.cli", *words)
