"""What git knows of a list file or script: the commit, whether the file differs from it, and where it was cloned from.

A repository of another user is not read: its configuration may name programs, which git would run as us
(git-config(1), safe.directory).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sbkernel.errors import CommandError, SbkernelError
from sbkernel.jobs.run import run

UNKNOWN = "unknown"
"""Stands for the rest where git could not tell, with its reason."""
State = Mapping[str, str | bool]
# Neither a file nor a process is left by asking (git-status(1), git-fsmonitor--daemon(1)).
_GIT = ("git", "--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false")
_STATUS = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
_TIMEOUT_S = 20.0


def git_states(files: Iterable[Path], *, ignored: bool = True) -> dict[Path, State]:
    """Return for each file that lies in a git work tree `commit`, `dirty` and `remote`; or why git does not tell.

    A file that git is told to ignore is in no commit, thus dirty; of a directory such files count only if `ignored`.
    """
    by_repository: dict[Path, list[Path]] = {}
    for file in dict.fromkeys(files):
        place = next((one for one in _real(file).parents if (one / ".git").exists()), None)
        if place is not None:
            by_repository.setdefault(place, []).append(file)
    found: dict[Path, State] = {}
    for some in by_repository.values():
        found |= _in_repository(some, ignored)
    return found


def _in_repository(files: list[Path], ignored: bool) -> dict[Path, State]:
    """Return the states of files of one repository."""
    directory = _real(files[0]).parent
    which = "--ignored=matching" if ignored else "--ignored=no"
    try:
        top = Path(_git(directory, "rev-parse", "--show-toplevel").removesuffix("\n"))
        commit = _git(directory, "rev-parse", "--quiet", "--verify", "HEAD", check=False).strip()
        changed = _git(directory, *_STATUS, which, "--", *(str(_real(file)) for file in files)).split("\0")
        remote = _remote(_git(directory, "config", "--null", "--get-regexp", r"^remote\..*\.url$", check=False))
    except SbkernelError as error:
        reason = _reason(error)
        return {file: {UNKNOWN: reason} for file in files}
    # Names come back without what is not UTF-8 in them.
    names = {_decoded(str(top / entry[3:])) for entry in changed if entry}
    return {file: {"commit": commit, "dirty": _is_among(names, file), "remote": remote} for file in files}


def _is_among(changed: Iterable[str], file: Path) -> bool:
    """Tell whether a file was changed, or something below it if it is a directory."""
    name = _decoded(str(_real(file)))
    return any(one == name or one.startswith(f"{name}/") for one in changed)


def _git(directory: Path, *words: str, check: bool = True) -> str:
    # Set by a hook in which we are called, they would name another repository.
    env = dict.fromkeys((name for name in os.environ if name.startswith("GIT_") and "CONFIG" not in name), None)
    return run([*_GIT, *words], cwd=directory, env=env, check=check, timeout_s=_TIMEOUT_S).stdout


def _remote(text: str) -> str:
    """Return the address of origin, else of the first remote, without a login; "" if there is none."""
    found = dict(entry.split("\n", 1) for entry in text.split("\0") if "\n" in entry)
    return without_login(found.get("remote.origin.url") or next(iter(found.values()), ""))


def without_login(address: str) -> str:
    """Return an address, or a list of them, without user, password and what stands behind a question mark."""
    return re.sub(r"(://[^\s,?#]*)[?#][^\s,]*", r"\1", re.sub(r"://[^/\s,]*@", "://", address))


def _reason(error: SbkernelError) -> str:
    """Return the line in which git says why it failed."""
    lines = error.tail.splitlines() if isinstance(error, CommandError) else []
    said = next((line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")), "")
    return said or error.message.splitlines()[0]


def _real(file: Path) -> Path:
    """Return where a file is, links followed; a loop of links stays as it is."""
    return Path(os.path.realpath(file))


def _decoded(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="replace")
