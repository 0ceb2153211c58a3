"""A file that is only appended to, and that may be rotated away under us."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0


class AppendLog:
    """Append bytes at once; notice within a second that the file was moved or removed, and start it anew.

    A full disk must not stop a console or the syslog receiver: the first failure is logged, bytes are lost. With a
    `limit`, a file that has so many bytes becomes <name>.1, and the one before it is gone.
    """

    def __init__(self, path: Path, limit: int = 0) -> None:
        self.path = path
        self._limit = limit
        self._file: int | None = None
        self._looked = 0.0
        self._failed = False

    def write(self, data: bytes) -> int:
        """Append bytes and return the offset at which they begin."""
        try:
            file = self._open()
            offset = os.lseek(file, 0, os.SEEK_END)
            if self._limit and offset >= self._limit:
                self.close()
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
                file, offset = self._open(), 0
            os.write(file, data)
        except OSError as error:
            if not self._failed:
                _log.error("cannot write %s: %s", self.path, error)
            self._failed = True
            return 0
        self._failed = False
        return offset

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        now = time.monotonic()
        if self._file is not None and now - self._looked > _LOOK_EVERY_S:
            self._looked = now
            if not self._still_there(self._file):
                self.close()
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return self._file

    def _still_there(self, file: int) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(file))
        except FileNotFoundError:
            return False
