"""Verdicts of test boots, kept by digest: log/testboots/DIGEST.jsonl, a line a test boot; the last one counts."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Self

from sbkernel.errors import NotFoundError
from sbkernel.files import in_turn, made
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.jobs import origin
from sbkernel.jobs.order import is_sha256
from sbkernel.rollout.testboot.checks import Check, Measured, table
from sbkernel.site import Site

_END = ".jsonl"


@dataclass(frozen=True)
class Verdict:
    """What a test boot of a version has found; `when` in seconds since the epoch, `console` the end of what it wrote.

    `record` is the path of the record in which it ran, else the id of its job, or "".
    """

    image: str
    digest: str
    when: float
    by: str
    host: str
    job: str
    record: str
    checks: tuple[Check, ...]
    measured: Measured
    console: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether every check is as it should be."""
        return bool(self.checks) and all(one.ok for one in self.checks)

    @property
    def failed(self) -> list[str]:
        """Return the names of the checks that are not."""
        return [one.name for one in self.checks if not one.ok]

    @property
    def mark(self) -> str:
        """Return in a few words how it went, and when."""
        day = datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%d %H:%M")
        return f"good {day}" if self.passed else f"failed {day}: {' '.join(self.failed)}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, `passed` among them."""
        return {**asdict(self), "passed": self.passed, "checks": [asdict(one) for one in self.checks]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the verdict that as_dict has described."""
        known = {name: data[name] for name in ("image", "digest", "when", "by", "host", "job", "record", "console")}
        checks = tuple(map(Check.from_json, data["checks"]))
        return cls(**known, checks=checks, measured=Measured(**data["measured"]))

    def __str__(self) -> str:
        return f"{Reference(self.image, short(self.digest))}: test boot {self.mark}\n{table(self.checks)}"


def made_now(image: str, digest: str, checks: Sequence[Check], measured: Measured, console: str) -> Verdict:
    """Return the verdict of whoever tests now."""
    now = origin.signed()
    job = str(now.get("job", ""))
    record = str(now.get("record", {}).get("path", "")) or job
    return Verdict(image, digest, now["t"], now["by"], now["host"], job, record, tuple(checks), measured, console)


def keep(site: Site, verdict: Verdict) -> None:
    """Write a verdict down. A line that a full disk or a power cut has left in parts spoils none but itself."""
    file = _file(site, verdict.digest)
    line = json.dumps(verdict.as_dict(), separators=(",", ":")).encode() + b"\n"
    with in_turn(made(file.parent) / ".lock"), _opened(file) as log:
        if log.tell():
            log.seek(-1, os.SEEK_END)
            line = line if log.read(1) == b"\n" else b"\n" + line
        log.write(line)
        os.fsync(log.fileno())


def _opened(file: Path) -> FileIO:
    """Open a file to append to it; as logs of consoles are, for it holds the end of one."""
    return FileIO(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640), "a+")


def verdict_of(site: Site, digest: str) -> Verdict | None:
    """Return the verdict of the last test boot of a version; None if there was none."""
    found = verdicts_of(site, digest)
    return found[-1] if found else None


def verdicts_of(site: Site, digest: str) -> list[Verdict]:
    """Return the verdicts of all test boots of a version, oldest first."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for line in _file(site, digest).read_bytes().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                found.append(Verdict.from_json(json.loads(line)))
    return found


def good_before(site: Site, image: str, digest: str) -> list[Measured]:
    """Return what the good versions of an image took that are not this one, the one tested last first."""
    others = {move.digest for move in Catalog(site).pointers(image).history} - {digest}
    verdicts = [verdict for other in others if (verdict := verdict_of(site, other)) and verdict.passed]
    return [one.measured for one in sorted(verdicts, key=lambda one: one.when, reverse=True)]


def directory(site: Site) -> Path:
    """Return where verdicts lie."""
    return site.log / "testboots"


def _file(site: Site, digest: str) -> Path:
    if not is_sha256(digest):
        raise NotFoundError(f"{digest!r} is no digest of a version")
    return directory(site) / f"{digest}{_END}"
