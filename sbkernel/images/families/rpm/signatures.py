"""Check who has signed packages, with rpm's own program and the keys of their repository alone (rpmkeys(8))."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.families.places import shown
from sbkernel.images.families.rpm.repository import Repository
from sbkernel.jobs.run import run

# Without the level, rpmkeys is content with a package that nobody has signed.
_STRICT = ("--define", "_pkgverify_level signature", "--define", "_pkgverify_flags 0")


def check(repository: Repository, files: Mapping[Path, str]) -> None:
    """Check that every package file, called by its name, is signed by a key of the repository; BuildError if not."""
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as place:
        # Macros of this host's user, and keys that it trusts, say nothing here.
        rpmkeys = ["rpmkeys", "--dbpath", place]
        env = {"HOME": place}
        _import(rpmkeys, repository, env)
        done = run([*rpmkeys, *_STRICT, "--checksig", *files], env=env, check=False)
    bad = [name for file, name in files.items() if not _good(done.stdout, file)]
    if bad:
        keys = ", ".join(str(key) for key in repository.keys)
        raise BuildError(
            f"not signed by a key of {shown(repository.url)}: {_some(bad)}",
            hint=f"its keys are {keys}; name the right one by gpgkey=, or trust it blindly by gpgcheck=0",
        )


def _import(rpmkeys: Sequence[str], repository: Repository, env: Mapping[str, str]) -> None:
    """Import the keys of a repository: a medium may have some of a kind that rpm does not know yet, beside others."""
    done = {key: run([*rpmkeys, "--import", key], env=env, check=False) for key in repository.keys}
    if all(one.returncode for one in done.values()):
        keys = ", ".join(str(key) for key in done)
        raise BuildError(f"{keys} is no public key that rpm can read", hint="correct gpgkey=")


def _good(output: str, file: Path) -> bool:
    return re.search(rf"^{re.escape(str(file))}: digests signatures OK$", output, re.MULTILINE) is not None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
