"""What is wrong or odd in a list file: where, how bad, and the remedy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from sbkernel.errors import ListFileError

Severity = Literal["error", "warning", "info"]


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnostic:
    """One remark about one place of a list file; lines and columns count from 1.

    error: xCAT fails here, or does what nobody wants. warning: xCAT drops or misreads it silently. info: harmless.
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
        """Return the diagnostic as an error to raise."""
        return ListFileError(self.file, self.line, self._whole, hint=self.remedy or None)

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnostic as data for JSON."""
        return dataclasses.asdict(self)


def of_error(error: ListFileError) -> Diagnostic:
    """Return an error that names a line as the diagnostic that says the same."""
    said = error.message.removeprefix(f"{error.file}:{error.line}: ")
    return Diagnostic(error.file, error.line, 1, "error", said, error.hint or "")


def refuse_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise the first error among the diagnostics as a ListFileError."""
    for one in diagnostics:
        if one.severity == "error":
            raise one.as_error()


def as_warnings(diagnostics: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Return the errors and warnings, which a build should log, one line each."""
    return tuple(str(one) for one in diagnostics if one.severity != "info")


def in_order(diagnostics: Iterable[Diagnostic], first: Iterable[str] = ()) -> tuple[Diagnostic, ...]:
    """Return each diagnostic once, sorted by place: the files `first` in their order, then others as they come."""
    once = list(dict.fromkeys(diagnostics))
    files = list(dict.fromkeys((*first, *(one.file for one in once))))
    return tuple(sorted(once, key=lambda one: (files.index(one.file), one.line, one.column)))


def shown(text: str) -> str:
    """Return text that a terminal can show: control characters and bytes that are not UTF-8 are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
