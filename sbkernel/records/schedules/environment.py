"""How a timer starts a run, and what the run finds in its environment: what cron gives, and nothing of ours."""

from __future__ import annotations

import os
import pwd
import sys
import sysconfig
from pathlib import Path

import sbkernel
from sbkernel.definitions.store import dburl
from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.errors import DefinitionError
from sbkernel.records.schedules.definition import Schedule
from sbkernel.site import Site

_ENV = "env:"


def command(site: Site, name: str) -> list[str]:
    """Return what a timer runs, by full paths. DefinitionError if the site's path cannot be written to a file."""
    words = [sys.executable, "-P", "-m", "sbkernel.records.schedules", str(site.root), name]
    if not all(word.isprintable() for word in words):
        raise DefinitionError(f"{str(site.root)!r} cannot be written to a crontab", hint="move the site")
    return words


def needed(schedule: Schedule) -> dict[str, str]:
    """Return the variables without which the command does not find the program and the database; often none."""
    home = Path(sbkernel.__file__).resolve().parent.parent
    ours = {} if home == Path(sysconfig.get_path("purelib")).resolve() else {"PYTHONPATH": str(home)}
    return ours | ({SERVER_VARIABLE: schedule.database} if schedule.database else {})


def minimal(schedule: Schedule) -> dict[str, str | None]:
    """Return the environment of a run, as a change to ours: PATH, HOME, who it is, and what the schedule refers to.

    No locale, nothing of a desktop or of a Jupyter server. Secrets that the schedule names as env:NAME go along.
    """
    nothing: dict[str, str | None] = dict.fromkeys([*os.environ, "LC_ALL"])
    passed = {name: os.environ[name] for name in referred(schedule) if name in os.environ}
    return {**nothing, **passed, **standing(), **needed(schedule)}


def standing() -> dict[str, str]:
    """Return what every run has in its environment, as cron gives it (crontab(5))."""
    user = pwd.getpwuid(os.geteuid())
    return {
        "PATH": "/usr/bin:/bin", "HOME": user.pw_dir, "LOGNAME": user.pw_name, "USER": user.pw_name, "SHELL": "/bin/sh",
    }  # fmt: skip


def database() -> str:
    """Return $SBKERNEL_DB for a schedule, "" if it is not set. DefinitionError if there is a password in it."""
    url = os.environ.get(SERVER_VARIABLE, "")
    if dburl.secrets(url):
        raise DefinitionError(
            f"${SERVER_VARIABLE} holds a password, and a timer would have to keep it",
            hint="put the password into ~/.pgpass, and leave it out there",
        )
    return url


def referred(schedule: Schedule) -> list[str]:
    """Return the variables that the schedule refers to; whoever keeps its timer has to set them."""
    values = (schedule.tell.webhook, *schedule.values.values())
    found = {value.removeprefix(_ENV) for value in values if isinstance(value, str) and value.startswith(_ENV)}
    return sorted(found)
