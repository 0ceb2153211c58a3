"""ls: the records of a site, filtered and found by abbreviations; as text, plain values and a DataFrame."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sbkernel.definitions.ranges.noderange import noderange
from sbkernel.definitions.ranges.universe import NodeUniverse
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.packages.diff.tables import aligned
from sbkernel.records.kept import index
from sbkernel.records.kept.facts import Kept
from sbkernel.site import Site
from sbkernel.units import plain, read_duration, seconds

if TYPE_CHECKING:
    import pandas as pd

RUN_DIGITS = 8
_HEAD = ("RUN", "STARTED", "STATUS", "TOOK", "NOTEBOOK", "IMAGE", "WHO")
_COLUMNS = ["when", "notebook", "parameters", "status", "seconds", "who", "host", "image", "digest", "path", "run"]


@dataclass(frozen=True)
class Records:
    """Records of a site, the newest first."""

    site: Site
    rows: tuple[Kept, ...]

    def __iter__(self) -> Iterator[Kept]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        """Return a line a record, as `sb records ls` prints them."""
        return aligned([_HEAD, *map(line, self.rows)], right=[3]) if self.rows else "no records"

    @property
    def df(self) -> pd.DataFrame:
        """Return a row a record; `when` is in UTC, `path` that of the notebook."""
        import pandas as pd

        rows = [
            (pd.Timestamp(one.when, unit="s", tz="UTC"), one.notebook, dict(one.parameters), one.status, one.seconds,
             one.who, one.host, one.image, one.digest, str(self.path(one)), one.run)
            for one in self.rows
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=_COLUMNS)

    def path(self, record: Kept) -> Path:
        """Return the notebook of a record."""
        return self.site.records / record.path

    def page(self, record: Kept) -> Path | None:
        """Return the HTML of a record; None if it has none, as one that was killed."""
        page = self.path(record).with_suffix(".html")
        return page if page.is_file() else None

    def select(
        self, *, notebook: str = "", image: str = "", node: str = "", status: str = "", since: str = "",
        until: str = "", who: str = "", words: str = "", last: int | None = None,
    ) -> Records:  # fmt: skip
        """Return the records that fit everything that is given, of these the `last` newest.

        `words` are all in what a record says of itself: its line, its parameters, its error, whatever their case.
        `node` is a noderange: a record fits that ran with one of its nodes. `since` and `until` are as `moment` reads
        them, and a day given as `until` belongs to it. `who` is USER or USER@HOST. Raises DefinitionError for times
        that are none, NotFoundError for nodes that are none.
        """
        begin, end = moment(since) if since else 0.0, moment(until, end=True) if until else float("inf")
        meant = _Nodes(self.site)
        nodes = self._nodes(node, meant) if node else frozenset()
        sought = words.lower().split()
        found = (
            one
            for one in self.rows
            if (not notebook or one.notebook == notebook.removesuffix(".ipynb"))
            and (not image or image == one.image or image in one.digests)
            and (not status or one.status == status)
            and (not who or who in (one.who, f"{one.who}@{one.host}"))
            and begin <= one.when < end
            and all(word in text for text in [_text(one) if sought else ""] for word in sought)
            and (not node or any(nodes & meant.of(word) for word in one.nodes))
        )
        rows = tuple(found)
        return replace(self, rows=rows if last is None else rows[:last])

    def _nodes(self, text: str, meant: _Nodes) -> frozenset[str]:
        """Return the nodes of a noderange; names that are no nodes any more count if there is a record of them."""
        try:
            return frozenset(self.site.noderange(text, excluded=True))
        except NotFoundError:
            names = frozenset(text.split(","))
            if not any(names & meant.of(word) for one in self.rows for word in one.nodes):
                raise
            return names

    def find(self, word: str) -> Kept:
        """Return the record of a path, or of a word with which only its name or only its run begins.

        Raises NotFoundError, which names those that may be meant.
        """
        name = Path(word).name.removesuffix(".html").removesuffix(".ipynb")
        found = [one for one in self.rows if name and (one.name.startswith(name) or one.run.startswith(name.lower()))]
        exact = [one for one in found if name in (one.name, one.run)]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            raise NotFoundError(f"{len(found)} records begin with {plain(word)!r}", hint=_named(found))
        runs = {one.run[: max(len(name), RUN_DIGITS)]: one for one in self.rows}
        near = difflib.get_close_matches(name, [*(one.name for one in self.rows), *runs], n=3)
        hint = _named([one for one in self.rows if {one.name, *(r for r in runs if runs[r] is one)} & set(near)])
        raise NotFoundError(f"no record {plain(word)!r}", hint=f"did you mean:\n  {hint}" if near else "sb records ls")


def records(site: Site) -> Records:
    """Return the records of a site. What has not changed since it was last read is not read again."""
    return Records(site, tuple(index.kept(site)))


def line(one: Kept) -> tuple[str, ...]:
    """Return a record as the cells of a line."""
    cells = (
        one.run[:RUN_DIGITS] or "-", one.started, one.status, seconds(one.seconds) or "-", one.notebook,
        one.image or "-", f"{one.who or '?'}@{one.host or '?'}",
    )  # fmt: skip
    return tuple(map(plain, cells))


def _text(one: Kept) -> str:
    values = (f"{name}={value}" for name, value in one.parameters.items())
    return " ".join([*line(one), one.name, one.run, one.digest, one.error, *values]).lower()


def moment(text: str, *, end: bool = False) -> float:
    """Return the time (seconds since the epoch) that a text says: 2026-11-29, 2026-11-29T18:00, or 7d for a week ago.

    Without an offset it is UTC, as in the names of records. Of a day, `end` is the end.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return time.time() - read_duration(text)
        except DefinitionError:
            hint = "2026-11-29, 2026-11-29T18:00, or how long ago: 12h, 7d"
            raise DefinitionError(f"{text!r} is no time", hint=hint) from None
    day = 86400.0 if end and len(text.strip()) <= len("2026-11-29") else 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() + day


def _named(found: Sequence[Kept], most: int = 5) -> str:
    lines = [f"{one.run[:RUN_DIGITS]}  {plain(one.name)}" for one in found[:most]]
    return "\n  ".join([*lines, *([f"and {len(found) - most} more"] if len(found) > most else [])])


class _Nodes:
    """What noderanges mean now; of one that means nothing any more, the words themselves are its nodes."""

    def __init__(self, site: Site) -> None:
        universe = NodeUniverse(site.store)

        def meant(text: str) -> frozenset[str]:
            try:
                if "^" in text:  # names a file, which whoever made the record has chosen
                    return frozenset()
                return frozenset(noderange(text, universe))
            except SbkernelError:
                return frozenset(text.split(","))

        self.of = cache(meant)
