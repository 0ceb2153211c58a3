"""Set up what is missing, with the standard library alone, so that a bare checkout works.

The lists live in pyproject.toml: Debian packages in [tool.sbkernel.debian], Python packages in [project]. What
is about to be installed is printed first and asked about when there is a terminal. When everything is there,
nothing is added and the check costs some 30 ms.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent


class SetupError(Exception):
    """Something is missing that we cannot install; the message says what to do."""


@dataclass(frozen=True)
class Missing:
    """What one run would install."""

    debian: tuple[str, ...]
    extras: tuple[str, ...] | None  # None: the Python environment is complete

    def __bool__(self) -> bool:
        return bool(self.debian) or self.extras is not None


def is_checkout(where: Path = CHECKOUT) -> bool:
    """Tell a source checkout from an installed package."""
    return (where / "pyproject.toml").is_file()


def read_project(where: Path = CHECKOUT) -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((where / "pyproject.toml").read_text())


def debian_packages(project: dict[str, Any], purposes: Iterable[str]) -> list[str]:
    """Return the Debian packages for the purposes ("run", "test"), sorted and unique."""
    lists = project["tool"]["sbkernel"]["debian"]
    return sorted({name for purpose in purposes for name in lists.get(purpose, [])})


def missing_debian(names: Sequence[str]) -> list[str]:
    """Return the packages that dpkg does not know as installed; all of them where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return list(names)
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n", *names], capture_output=True, text=True
    )
    installed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("installed ")}
    return [name for name in names if name not in installed]


def environment_digest(project: dict[str, Any], extras: Sequence[str]) -> str:
    """Return what the Python environment was made from: the dependencies, the extras and this Python."""
    wanted = [project["project"]["dependencies"], project["project"]["version"], project["project"]["scripts"]]
    wanted += [project["project"]["optional-dependencies"].get(extra, []) for extra in extras]
    return hashlib.sha256(repr([wanted, sys.version_info[:2]]).encode()).hexdigest()


def environment_complete(project: dict[str, Any], extras: Sequence[str], venv: Path) -> bool:
    """Tell whether `venv` holds what the project and the extras ask for; the one with tests serves all."""
    return any(
        stamp(venv, made).is_file() and stamp(venv, made).read_text() == environment_digest(project, made)
        for made in {tuple(extras), ("test",)}
    )


def stamp(venv: Path, extras: Sequence[str]) -> Path:
    """Return the file that says which extras were installed completely."""
    return venv / ("sbkernel-" + "-".join(["base", *extras]))


def find_missing(project: dict[str, Any], purposes: Sequence[str], venv: Path) -> Missing:
    """Return what has to be installed before the purposes can be served."""
    debian = missing_debian(debian_packages(project, purposes))
    extras = tuple(purpose for purpose in purposes if purpose != "run")
    complete = environment_complete(project, extras, venv)
    if not complete and not (venv / "bin" / "python").exists() and not importlib.util.find_spec("ensurepip"):
        debian += missing_debian(["python3-venv"])
    return Missing(tuple(debian), None if complete else extras)


def announce(missing: Missing, venv: Path) -> None:
    """Print what is about to be installed."""
    if missing.debian:
        print(f"Debian packages to install ({len(missing.debian)}): {' '.join(missing.debian)}", flush=True)
    if missing.extras is not None:
        what = "sbkernel and its dependencies" + (f" for {', '.join(missing.extras)}" if missing.extras else "")
        print(f"Python environment to make: {venv} ({what}; about 800 MB)", flush=True)


def agreed(assume_yes: bool) -> bool:
    """Ask when there is a terminal; without one, or with --yes, go on."""
    if assume_yes or not (sys.stdin and sys.stdin.isatty()):
        return True
    return input("Install them now? [Y/n] ").strip().lower() in {"", "y", "yes"}


def apt_prefix(packages: Sequence[str]) -> list[str]:
    """Return the words before apt-get that make it root: none for root, sudo for others who have it."""
    if not shutil.which("apt-get"):
        raise SetupError(
            "this system has no apt-get; install what these Debian packages hold by its own means:\n"
            f"  {' '.join(packages)}"
        )
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise SetupError(
        "Debian packages are missing, and there is neither root nor sudo. Ask an administrator to run:\n"
        f"  apt-get install --no-install-recommends {' '.join(packages)}"
    )


def install_debian(packages: Sequence[str]) -> None:
    """Install Debian packages from the sources that apt has."""
    apt = [*apt_prefix(packages), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    step("read the package sources", [*apt, "update"])
    step("install Debian packages", [*apt, "install", "-y", "--no-install-recommends", *packages])


def install_environment(project: dict[str, Any], extras: Sequence[str], venv: Path) -> None:
    """Make the Python environment beside the checkout and note that it is complete."""
    if not (venv / "bin" / "python").exists():
        step("make the Python environment", [sys.executable, "-m", "venv", str(venv)])
    target = str(CHECKOUT) + (f"[{','.join(extras)}]" if extras else "")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--progress-bar", "off"]
    step("install Python packages", [*pip, "-e", target])
    # pip does this for packages that it copies, not for a checkout; without it a listing takes twice as long.
    step("compile sbkernel", [str(venv / "bin" / "python"), "-m", "compileall", "-q", str(CHECKOUT / "sbkernel")])
    stamp(venv, extras).write_text(environment_digest(project, extras))


def step(title: str, argv: Sequence[str]) -> None:
    """Run one step of the set-up and say how long it took; its output is shown only when it fails.

    Standard input stays the terminal's, for sudo to ask for a password.
    """
    began = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise SetupError(f"set-up stopped: `{' '.join(argv)}` ended with status {done.returncode}")
    print(f"  {time.monotonic() - began:6.1f} s  {title}", flush=True)


def ensure(purposes: Sequence[str], *, assume_yes: bool = False) -> Path:
    """Install what is missing for the purposes and return the Python to go on with.

    An installed package (no checkout) goes on with the running Python: pip has made its environment.

    Errors: SetupError with what to run by hand.
    """
    if not is_checkout():
        return Path(sys.executable)
    project, venv = read_project(), CHECKOUT / ".venv"
    missing = find_missing(project, purposes, venv)
    if missing:
        announce(missing, venv)
        if missing.debian:
            apt_prefix(missing.debian)
        if not agreed(assume_yes):
            raise SetupError("nothing was installed")
        if missing.debian:
            install_debian(missing.debian)
        if missing.extras is not None:
            install_environment(project, missing.extras, venv)
    return venv / "bin" / "python"
