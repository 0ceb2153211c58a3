"""Who starts the runs on this host: systemd if it runs, else cron."""

from __future__ import annotations

from typing import Protocol

from sbkernel.errors import ToolMissingError
from sbkernel.jobs.command import install_line
from sbkernel.records.schedules.crontab import Crontab
from sbkernel.records.schedules.definition import Schedule
from sbkernel.records.schedules.systemd import Systemd
from sbkernel.site import Site


class Timers(Protocol):
    """The timers of one site, of one kind."""

    name: str
    catches_up: bool
    """Whether a run that was missed because the host was off is made up for."""

    def works(self) -> bool:
        """Tell whether this host has such timers."""

    def install(self, schedule: Schedule) -> None:
        """Make the timer of a schedule, or put it right."""

    def remove(self, name: str) -> None:
        """Remove the timer of a schedule if there is one."""

    def holds(self, schedule: Schedule) -> bool:
        """Tell whether the timer of a schedule is there as it is to be."""

    def remark(self) -> str:
        """Return what keeps timers from running, "" if nothing does."""


def found(site: Site) -> list[Timers]:
    """Return the kinds of timers that work here; the first one is used."""
    kinds: list[Timers] = [Systemd(site), Crontab(site)]
    return [one for one in kinds if one.works()]


def install(site: Site, schedule: Schedule) -> Timers:
    """Let a schedule be started by one timer and no other; ToolMissingError if this host has none."""
    first, *others = _some(site)
    first.install(schedule)
    for one in others:
        one.remove(schedule.name)
    return first


def check(site: Site) -> None:
    """Raise ToolMissingError if this host has no timers."""
    _some(site)


def remove(site: Site, name: str) -> None:
    """Remove all timers of a schedule."""
    for one in found(site):
        one.remove(name)


def _some(site: Site) -> list[Timers]:
    kinds = found(site)
    if not kinds:
        raise ToolMissingError(
            "nothing here starts programs at a time: systemd does not run, and cron is not installed",
            hint=f"{install_line(['cron'])}, and see that it runs",
        )
    return kinds
