"""show: all that a record says of its run, and what can be done with it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.records import trust
from sbkernel.records.kept.comparison import times
from sbkernel.records.kept.facts import Kept
from sbkernel.records.kept.listing import Records
from sbkernel.units import plain, seconds, size


@dataclass(frozen=True)
class Told:
    """A record, its notebook and page, and whether this user has signed it."""

    record: Kept
    notebook: Path
    page: Path | None
    own: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; times in seconds, sizes in bytes."""
        page = str(self.page) if self.page else ""
        return {**self.record.as_dict(), "notebook_path": str(self.notebook), "page": page, "own": self.own}

    def rows(self, *, timings: bool = True) -> Iterator[tuple[str, str]]:
        """Yield what there is to say, a name and a text each; a name of "" goes on with the one before.

        Without `timings` it is left out how long each phase took.
        """
        one = self.record
        yield "record", one.name
        yield "run", one.run
        yield "status", ": ".join(filter(None, (one.status, one.why, one.error)))
        yield "started", f"{one.started} UTC" + (f", took {seconds(one.seconds)}" if one.seconds is not None else "")
        yield "by", f"{one.who or '?'}@{one.host or '?'}, sbkernel {one.version or '?'}"
        yield "scheduled by", one.scheduled
        program = Path(one.argv[0]).name if one.argv else ""
        yield "command", shlex.join(["sb" if program == "__main__.py" else program, *one.argv[1:]]) if program else ""
        yield "notebook", f"{one.notebook}  {one.came_from}".rstrip()
        given = ((name, value, "" if name in one.given else "  (default)") for name, value in one.parameters.items())
        yield from _named("parameters", (f"{name} = {value!r}{default}" for name, value, default in given))
        yield from _named(
            "images", (f"{image}@{digest[:8]}{self._size(image)}" for image, digest in one.digests.items())
        )
        took = times(one) if timings else ()
        yield from _named("took", (f"{seconds(value):>12}  {name}" for name, value in took))
        yield from _named("jobs", iter(one.jobs))
        yield "files", str(self.notebook)
        yield "", str(self.page) if self.page else "no page"
        yield "signed", "by you" if self.own else "not by you, or changed since: JupyterLab does not trust it"

    def _size(self, image: str) -> str:
        found = self.record.sizes.get(image, {})
        return f"  {size(found['packed'])} packed, {found.get('packages')} packages" if found.get("packed") else ""

    def __str__(self) -> str:
        rows = [(name, text) for name, text in self.rows() if text]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {plain(text)}".rstrip() for name, text in rows)


def told(found: Records, record: Kept) -> Told:
    """Return what there is to say of a record."""
    path = found.path(record)
    return Told(record, path, found.page(record), trust.is_own(path))


def _named(name: str, texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield ("" if number else name), text
