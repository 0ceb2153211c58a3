"""The record of who changed the power of what: log/power/YYYY-MM.jsonl, appended to and never changed.

    {"run", "t", "begin": {user, from, noderange, nodes, verb, action, options, crossed, pid}}
    {"run", "t", "node", "sent", "before"}          goes before a change to the node does
    {"run", "t", "node", "ok", "text", "before", "after", "untouched"}
    {"run", "t", "end"}                             done, or why it stopped

Whatever kills the service, what it had sent is there; an action without an end was cut short.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sbkernel.nodes.results import NodeResult
from sbkernel.site import Site

_log = logging.getLogger(__name__)
DONE = "done"


def folder(site: Site) -> Path:
    """Return the directory of the record, closed to others."""
    made = site.log / "power"
    made.mkdir(mode=0o700, exist_ok=True)
    return made


class PowerLog:
    """One action on nodes, as it is recorded. A record that cannot be written stops nothing; `trouble` says why."""

    def __init__(self, site: Site, about: Mapping[str, Any]) -> None:
        self.run = f"{int(time.time())}-{secrets.token_hex(4)}"
        self.trouble = ""
        self._file: int | None = None
        self._before: dict[str, str] = {}
        try:
            path = folder(site) / f"{time.strftime('%Y-%m')}.jsonl"
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._failed(error)
        self._write({"begin": {**about, "pid": os.getpid()}})

    def looked(self, node: str, before: str) -> None:
        """Note the power of a node, or what it boots next, before anything is sent."""
        self._before[node] = before

    def sent(self, node: str, change: str) -> None:
        """Record that a change goes out now."""
        self._write({"node": node, "sent": change, "before": self._before.get(node, "")})

    def result(self, result: NodeResult, after: str = "") -> None:
        """Record what came out on a node; `after` is its power, or what it boots next; "" where nobody can say."""
        line = {"node": result.node, "ok": result.ok, "text": result.text}
        line |= {"before": self._before.get(result.node, ""), "after": after}
        self._write(line | ({"untouched": True} if result.untouched else {}))

    def end(self, why: str = DONE) -> None:
        """Record the end."""
        self._write({"end": why})
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        text = json.dumps({"run": self.run, "t": round(time.time(), 3), **line}, separators=(",", ":"))
        # After a failure, half a line may be in front of this one.
        data = (b"\n" if self.trouble else b"") + text.encode() + b"\n"
        try:
            if os.write(self._file, data) == len(data):
                self.trouble = ""
            else:
                self.trouble = "it was written in part"
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if not self.trouble:
            _log.error("the power log cannot be written: %s", error)
        self.trouble = error.strerror or str(error)
