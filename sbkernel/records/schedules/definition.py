"""A schedule as the site keeps it: schedules/NAME.json (0600), from which its timer can be made again at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sbkernel.definitions.secret import is_reference, shown
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.files import made, write_if_changed
from sbkernel.records.schedules.when import When
from sbkernel.site import Site
from sbkernel.units import read_duration

LIMIT = "24h"
_LONGEST_S = 4 * 7 * 86400
GRACE_S = 75.0
"""How long a run may take to end after SIGTERM: a cell has a minute for it (records/client.py)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?", re.ASCII)


@dataclass(frozen=True)
class Tell:
    """Who is told how runs end: of failures, and of success as well if `success` says so."""

    mail: str = ""
    webhook: str = ""
    """A URL, or a reference to one (env:NAME, file:PATH): whoever knows it may post there, so it can be a secret."""
    command: str = ""
    success: bool = False

    def check(self) -> None:
        """Raise DefinitionError for what can never be delivered."""
        if self.mail and not _ADDRESS.fullmatch(self.mail):
            raise DefinitionError(f"{self.mail!r} is no address for mail", hint="name@host, or a user of this host")
        if self.webhook and not is_reference(self.webhook):
            check_url(self.webhook)
        if self.command and not Path(self.command).is_absolute():
            raise DefinitionError(f"{self.command!r} is no full path", hint="it runs with PATH=/usr/bin:/bin")
        if self.success and not (self.mail or self.webhook or self.command):
            raise DefinitionError("nobody is to be told of success", hint="add --mail, --webhook or --command")

    @property
    def shown(self) -> dict[str, str]:
        """Return what may be printed, by the names of the options."""
        found = {"mail": self.mail, "webhook": _shown_url(self.webhook), "command": self.command}
        return {name: value for name, value in found.items() if value}


NOBODY = Tell()


def check_url(url: str) -> str:
    """Return the URL of a webhook; DefinitionError, which does not repeat it, if it is none."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
    except ValueError:
        good = False
    if not good or " " in url:
        raise DefinitionError("the webhook is no URL", hint="http:// or https://, or env:NAME or file:PATH with one")
    return url


def _shown_url(webhook: str) -> str:
    if not webhook or is_reference(webhook):
        return webhook
    parts = urlsplit(webhook)
    return f"{parts.scheme}://{parts.hostname}/{shown('secret')}"


@dataclass(frozen=True)
class Schedule:
    """A notebook, its parameters, when it runs, how long it may take and who is told."""

    name: str
    notebook: str
    """A name that the site knows, or a full path."""
    kind: str
    at: str = ""
    """`kind` and `at` are those of when.When."""
    values: Mapping[str, Any] = field(default_factory=dict)
    limit: str = LIMIT
    tell: Tell = NOBODY
    enabled: bool = True
    database: str = ""
    """$SBKERNEL_DB, without a password: a timer has nothing of the environment in which the schedule was made."""
    grace_s: float = GRACE_S

    @property
    def when(self) -> When:
        """Return when it runs."""
        return When(self.kind, self.at)

    @property
    def limit_s(self) -> float:
        """Return the time limit in seconds."""
        return read_duration(self.limit)

    def check(self) -> None:
        """Raise DefinitionError for what cannot be kept or run."""
        check_name(self.name)
        _ = self.when  # which is checked when it is made
        if not 0 < self.limit_s <= _LONGEST_S:
            raise DefinitionError(f"{self.limit!r} is no time limit of at most 4 weeks", hint=f"--limit {LIMIT}")
        self.tell.check()

    def is_same(self, other: Schedule) -> bool:
        """Tell whether both run the same notebook with the same parameters."""
        return (self.notebook, dict(self.values)) == (other.notebook, dict(other.values))


def check_name(name: str) -> str:
    """Return the name of a schedule; DefinitionError if it cannot be part of the names of files and units."""
    if not _NAME.fullmatch(name):
        raise DefinitionError(
            f"{name!r} is no name of a schedule", hint="letters, digits, _ and -, at most 64: --name nightly"
        )
    return name


def names(site: Site) -> list[str]:
    """Return the names of the schedules of a site, sorted."""
    return sorted(path.stem for path in _directory(site).glob("*.json") if _NAME.fullmatch(path.stem))


def load(site: Site, name: str) -> Schedule:
    """Return a schedule; NotFoundError if there is none, DefinitionError with file and line if it cannot be read."""
    path = _file(site, name)
    try:
        return _read(path, name)
    except FileNotFoundError:
        known = ", ".join(names(site)) or "none; sb schedule add NOTEBOOK makes one"
        raise NotFoundError(f"no schedule {name!r}", hint=f"there are: {known}") from None


def _read(path: Path, name: str) -> Schedule:
    hint = "sb schedule add NOTEBOOK --replace writes it anew"
    try:
        found = json.loads(path.read_bytes())
        schedule = Schedule(name=name, **{**found, "tell": Tell(**found.get("tell", {}))})
        schedule.check()
    except ValueError as error:  # also UnicodeDecodeError and DefinitionError
        line = getattr(error, "lineno", 1)
        raise DefinitionError(f"{path}:{line}: {str(error).splitlines()[0]}", hint=hint) from None
    except (TypeError, AttributeError):
        raise DefinitionError(f"{path}:1: this is no schedule", hint=hint) from None
    return schedule


def save(site: Site, schedule: Schedule) -> bool:
    """Write a schedule whole; return whether it is another than before."""
    schedule.check()
    made(_directory(site))
    kept = {**vars(schedule), "values": dict(schedule.values), "tell": vars(schedule.tell)}
    del kept["name"]
    text = json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return write_if_changed(_file(site, schedule.name), text, mode=0o600)


def set_enabled(site: Site, name: str, enabled: bool) -> Schedule:
    """Note whether a schedule is to run, and return it."""
    schedule = replace(load(site, name), enabled=enabled)
    save(site, schedule)
    return schedule


def forget(site: Site, name: str) -> None:
    """Remove the file of a schedule, whatever is in it; NotFoundError if there is none."""
    try:
        _file(site, name).unlink()
    except FileNotFoundError:
        load(site, name)


def _directory(site: Site) -> Path:
    return site.root / "schedules"


def _file(site: Site, name: str) -> Path:
    return _directory(site) / f"{check_name(name)}.json"
