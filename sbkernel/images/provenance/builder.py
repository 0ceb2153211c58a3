"""With what an image is made: this program, this host, and the versions of the programs that do the work."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import sbkernel
from sbkernel.errors import SbkernelError
from sbkernel.images.provenance.gitstate import git_states
from sbkernel.jobs.programs import versions
from sbkernel.packages import release


def builder(programs: Iterable[str], libraries: Mapping[str, str]) -> dict[str, Any]:
    """Return `sbkernel` (version, and the state of a checkout), `os`, `kernel` and `programs` (version of each).

    Libraries that do the work of programs are among these.
    """
    return {
        "sbkernel": {"version": sbkernel.__version__, **_checkout()},
        "os": release.of_tree(Path("/")).name or platform.system(),
        "kernel": platform.release(),
        "programs": {**versions(programs), **libraries},
    }


def _checkout() -> dict[str, Any]:
    """Return what git says of our own files if they are a checkout of ours, as they are not below site-packages."""
    home = Path(sbkernel.__file__).resolve().parent
    if not (home.parent / ".git").exists():
        return {}
    try:
        return {"git": dict(git_states([home], ignored=False)[home])}
    except (SbkernelError, KeyError):
        return {}
