"""xCAT's reventlog: how much of a node's event log is asked for, and how it is printed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sbkernel.errors import DefinitionError
from sbkernel.nodes.maintenance import LogEntry

CLEAR = "clear"
_ISO = re.compile(r"^(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d:\d\d).*$")


def count(what: str) -> int | None:
    """Return how many entries are asked for; None: all. Raises DefinitionError for what is no such word."""
    if what in ("all", CLEAR):
        return None
    if what.isascii() and what.isdigit() and 0 < len(what) < 10 and int(what):
        return int(what)
    raise DefinitionError(f"unsupported command reventlog {what}", hint="reventlog knows: a number, all, clear")


def wanted(entries: Sequence[LogEntry], most: int | None, *, newest_first: bool = False) -> list[LogEntry]:
    """Return the newest entries, oldest first unless asked otherwise."""
    found = list(entries if most is None else entries[-most:])
    return found[::-1] if newest_first else found


def lines(entries: Sequence[LogEntry]) -> str:
    """Return what is printed for a node, one line an entry."""
    return "\n".join(map(_line, entries)) or "no entries in its event log"


def _line(entry: LogEntry) -> str:
    severity = f" ({entry.severity})" if entry.severity not in ("", "ok") else ""
    when = _ISO.sub(r"\2/\3/\1 \4", entry.time) or "time unknown"
    return f"{when} {entry.source}{': ' * bool(entry.source)}{entry.event}{severity}"
