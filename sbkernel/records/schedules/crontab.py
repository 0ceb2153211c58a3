"""Lines of cron: one marked line for each schedule in the crontab of the user; no other line is touched.

crontab(1), crontab(5).
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

from sbkernel.errors import CommandError
from sbkernel.files import in_turn
from sbkernel.jobs.run import run
from sbkernel.netboot.render import render_template
from sbkernel.records.schedules import environment
from sbkernel.records.schedules.definition import Schedule
from sbkernel.records.schedules.systemd import site_id
from sbkernel.site import Site

_TIMEOUT_S = 30.0
_DAEMONS = {"cron", "crond", "fcron"}


class Crontab:
    """The lines of one site."""

    name = "cron"
    catches_up = False

    def __init__(self, site: Site) -> None:
        self._site = site

    def works(self) -> bool:
        """Tell whether there is a crontab to write to."""
        return shutil.which("crontab", path=f"{os.environ.get('PATH', os.defpath)}:/usr/bin") is not None

    def install(self, schedule: Schedule) -> None:
        """Add the line of a schedule, or put it right."""
        wanted = line(self._site, schedule).encode()
        self._change(lambda lines: lines if wanted in lines else [*self._others(lines, schedule.name), wanted])

    def remove(self, name: str) -> None:
        """Remove the line of a schedule if there is one."""
        self._change(lambda lines: self._others(lines, name))

    def holds(self, schedule: Schedule) -> bool:
        """Tell whether the line of a schedule is there as it is to be."""
        return line(self._site, schedule).encode() in self._read()

    def remark(self) -> str:
        """Return what keeps lines from running, "" if nothing does."""
        names = (_text(path) for path in Path("/proc").glob("[0-9]*/comm"))
        return "" if _DAEMONS & {name.strip() for name in names} else "cron is installed and does not run here"

    def _others(self, lines: list[bytes], name: str) -> list[bytes]:
        end = _mark(self._site, name).encode()
        return [one for one in lines if not one.rstrip().endswith(end)]

    def _change(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        with in_turn(self._site.run / "crontab.lock"):
            before = self._read()
            after = change(before)
            if after == before:
                return
            if after:
                run(["crontab", "-"], input=b"\n".join(after) + b"\n", timeout_s=_TIMEOUT_S)
            else:
                run(["crontab", "-r"], timeout_s=_TIMEOUT_S)

    def _read(self) -> list[bytes]:
        """Return the lines, which may be of any encoding."""
        found = bytearray()
        try:
            run(["crontab", "-l"], sink=found.extend, timeout_s=_TIMEOUT_S)
        except CommandError as error:
            if "no crontab for" in error.tail:
                return []
            user = pwd.getpwuid(os.geteuid()).pw_name
            raise CommandError(error.argv, error.returncode, error.tail, hint=f"may {user} use cron?") from None
        return bytes(found).removesuffix(b"\n").split(b"\n") if found else []


def line(site: Site, schedule: Schedule) -> str:
    """Return the line of a schedule. Cron takes % for the end of a line if there is no backslash before it."""
    variables = (f"{name}={shlex.quote(value)}" for name, value in environment.needed(schedule).items())
    words = " ".join([*variables, shlex.join(environment.command(site, schedule.name))])
    return render_template(
        "cron/line", cron=schedule.when.cron, command=words.replace("%", "\\%"), mark=_mark(site, schedule.name)
    ).rstrip("\n")


def _mark(site: Site, name: str) -> str:
    return f"# sbkernel {site_id(site)} {name}"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""
