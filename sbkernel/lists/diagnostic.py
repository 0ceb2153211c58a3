"""What is wrong, or only odd, in a list file: where, how bad, and what to do about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from sbkernel.errors import ListFileError

Severity = Literal["error", "warning", "info"]


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnostic:
    """One remark about one place of a list file; lines and columns count from 1.

    error: xCAT fails here, or does what nobody means. warning: xCAT silently drops or misreads it. info: harmless.
    """

    file: str
    line: int
    column: int
    severity: Severity
    message: str
    remedy: str = ""
    trace: tuple[str, ...] = ()
    """Where the file was included, innermost first: `file:line`."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self._whole}"

    @property
    def _whole(self) -> str:
        from_where = f" (included from {', from '.join(self.trace)})" if self.trace else ""
        return self.message + from_where

    def as_error(self) -> ListFileError:
        """Return it as an error to raise."""
        return ListFileError(self.file, self.line, self._whole, hint=self.remedy or None)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return dataclasses.asdict(self)


def refuse_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise the first error among diagnostics as a ListFileError."""
    for one in diagnostics:
        if one.severity == "error":
            raise one.as_error()


def as_warnings(diagnostics: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Return what a build should log: all but the harmless, one line each."""
    return tuple(str(one) for one in diagnostics if one.severity != "info")


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return each diagnostic once, sorted by place; files keep the order in which they came."""
    once = list(dict.fromkeys(diagnostics))
    files = list(dict.fromkeys(one.file for one in once))
    return tuple(sorted(once, key=lambda one: (files.index(one.file), one.line, one.column)))


def shown(text: str) -> str:
    """Return text that a terminal can show: control characters and bytes that are no UTF-8 are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
