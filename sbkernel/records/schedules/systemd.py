"""Timers of systemd: a timer and a service for each schedule, of the system for root and of the user for others.

systemd.timer(5), systemd.service(5), systemctl(1).
"""

from __future__ import annotations

import hashlib
import os
import pwd
from pathlib import Path

from sbkernel.errors import SbkernelError
from sbkernel.files import write_if_changed
from sbkernel.jobs.run import run
from sbkernel.netboot.render import render_template
from sbkernel.records.schedules import environment
from sbkernel.records.schedules.definition import Schedule
from sbkernel.site import Site

_SYSTEM = Path("/etc/systemd/system")
_TIMEOUT_S = 30.0
_TO_TELL_S = 60
_AFTER_LIMIT_S = 600


class Systemd:
    """The timers of one site."""

    name = "systemd"
    catches_up = True

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ours = [] if os.geteuid() == 0 else ["--user"]
        home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
        self.directory = home / ".config/systemd/user" if self._ours else _SYSTEM

    def works(self) -> bool:
        """Tell whether a systemd answers us."""
        try:
            return self._systemctl("show", "--property=Version", check=False) == 0
        except SbkernelError:
            return False

    def install(self, schedule: Schedule) -> None:
        """Write the units of a schedule and start its timer."""
        changed = [write_if_changed(self.directory / unit, text) for unit, text in units(self._site, schedule).items()]
        if any(changed):
            self._systemctl("daemon-reload")
        timer = unit_name(self._site, schedule.name, "timer")
        self._systemctl("enable", timer)
        # A timer that runs already would keep its old times.
        self._systemctl("restart" if any(changed) else "start", timer)

    def remove(self, name: str) -> None:
        """Stop the timer of a schedule and remove its units; nothing happens if it has none. A run goes on."""
        paths = [self.directory / unit_name(self._site, name, kind) for kind in ("timer", "service")]
        if not any(path.exists() for path in paths):
            return
        self._systemctl("disable", "--now", paths[0].name, check=False)
        # Else a schedule of this name, made again later, would at once make up for the runs between.
        self._systemctl("clean", "--what=state", paths[0].name, check=False)
        for path in paths:
            path.unlink(missing_ok=True)
        self._systemctl("daemon-reload")

    def holds(self, schedule: Schedule) -> bool:
        """Tell whether the timer of a schedule is there, runs, and is what it is to be."""
        wanted = units(self._site, schedule)
        if any(_text(self.directory / unit) != text for unit, text in wanted.items()):
            return False
        timer = unit_name(self._site, schedule.name, "timer")
        return self._systemctl("is-active", "--quiet", timer, check=False) == 0

    def remark(self) -> str:
        """Return what keeps timers from running, "" if nothing does."""
        user = pwd.getpwuid(os.geteuid()).pw_name
        if self._ours and not Path("/var/lib/systemd/linger", user).exists():
            return f"timers of {user} run only while {user} is logged in: loginctl enable-linger {user}"
        return ""

    def _systemctl(self, *words: str, check: bool = True) -> int:
        # Without a login, as under cron, nobody says where the user's systemd listens.
        place = {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.geteuid()}")}
        return run(["systemctl", *self._ours, *words], env=place, timeout_s=_TIMEOUT_S, check=check).returncode


def unit_name(site: Site, name: str, kind: str) -> str:
    """Return the name of a unit; several sites may have schedules of the same name."""
    return f"sbkernel-{site_id(site)}-{name}.{kind}"


def site_id(site: Site) -> str:
    """Return what tells a site from the others of a host."""
    return hashlib.sha256(str(site.root).encode()).hexdigest()[:8]


def units(site: Site, schedule: Schedule) -> dict[str, str]:
    """Return the names and texts of the units of a schedule."""
    about = {"name": schedule.name, "site": _specifier(str(site.root))}
    program, *words = environment.command(site, schedule.name)
    variables = {**environment.standing(), **environment.needed(schedule)}
    service = render_template(
        "systemd/sbkernel-schedule.service",
        **about,
        environment=[_quoted(f"{name}={value}") for name, value in variables.items()],
        command=" ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in words)]),
        grace=round(schedule.grace_s) + _TO_TELL_S,
        longest=round(schedule.limit_s + schedule.grace_s) + _AFTER_LIMIT_S,
    )
    timer = render_template("systemd/sbkernel-schedule.timer", **about, calendars=schedule.when.calendars)
    return {
        unit_name(site, schedule.name, "service"): service,
        unit_name(site, schedule.name, "timer"): timer,
    }


def _specifier(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """Return a word as systemd reads it (systemd.syntax(7))."""
    return '"' + _specifier(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
