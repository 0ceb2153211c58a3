"""Run one verb in this process: its words in, its value, its exit status and its error out."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
from IPython.core.error import StdinNotImplementedError

from sbkernel.cli.answers import taken as answers
from sbkernel.cli.group import group
from sbkernel.cli.magic.awaiting import runs_apart, without_site
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import SbkernelError
from sbkernel.jobs import run as processes
from sbkernel.jobs.command import module_environment

_ERROR = "Error: "
_HOST = re.compile(rf"^{_ERROR}(\[[\w.-]+\]: )?|(?<=: )\[[\w.-]+\]: {_ERROR}")
"""What xCAT puts before and into errors: the server, which is this host."""


@dataclass(frozen=True)
class Call:
    """The words of the command line, --site among them, and what the verb reads from standard input."""

    words: Sequence[str]
    stdin: str = ""

    @property
    def verb(self) -> str:
        """Return the verb."""
        return next(iter(without_site(self.words)), "")


@dataclass(frozen=True)
class Ended:
    """How a verb has ended."""

    call: Call
    status: int
    value: Any = None
    said: Sequence[str] = field(default=())
    """What it said of errors."""

    @property
    def error(self) -> SbkernelError:
        """Return the error to raise: what the verb said, its remedies as the hint."""
        first, *more = self.said or (f"%sb {self.call.verb} ended with exit status {self.status}",)
        hints = [line.strip() for line in more if line.startswith(" ")]
        texts = [first, *(line for line in more if not line.startswith(" "))]
        return SbkernelError("\n".join(_HOST.sub("", text) for text in texts), hint="\n  ".join(hints) or None)


def run(call: Call) -> Ended:
    """Run a verb. Raises SbkernelError for what it raises and for wrong words, KeyboardInterrupt when it is stopped."""
    if runs_apart(call.words):
        return _run_apart(call)
    taken: list[Any] = []
    token = answers.set(taken)
    errors = _Errors(sys.stderr)
    try:
        with _streams(call.stdin, errors):
            status = _status(call)
    finally:
        answers.reset(token)
        errors.close()
    if not status:
        errors.release()
    return Ended(call, status, taken[-1] if taken else None, tuple(errors.held))


def _status(call: Call) -> int:
    try:
        status = group(VERB_GROUPS).main(args=list(call.words), prog_name="%sb", standalone_mode=False)
    except click.ClickException as error:
        hint = f"%sb {call.verb} -h".replace(" -h -h", " -h") if isinstance(error, click.UsageError) else None
        raise SbkernelError(error.format_message(), hint=hint) from None
    except StdinNotImplementedError:
        raise _unanswered(call) from None
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise _unanswered(call) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise SbkernelError(f"{error.filename}: {error.strerror}") from None
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return status if isinstance(status, int) else 0


def _unanswered(call: Call) -> SbkernelError:
    said = f"%sb {call.verb} asks a question, and nobody can answer it here"
    return SbkernelError(said, hint=f"an option can give the answer: %sb {call.verb} -h")


def _run_apart(call: Call) -> Ended:
    """Run a verb as a program of its own. Its lines are printed as they come."""
    argv = [sys.executable, "-m", "sbkernel.cli", *call.words]
    done = processes.run(argv, env=module_environment(), input=call.stdin, on_line=click.echo, check=False)
    return Ended(call, done.returncode)


@contextlib.contextmanager
def _streams(stdin: str, errors: _Errors) -> Iterator[None]:
    """Give the verb an input that ends, as a question that nobody can answer must, and hold what it says of errors."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8", errors="surrogateescape")
    try:
        with contextlib.redirect_stderr(errors):
            yield
    finally:
        sys.stdin = before


class _Errors(io.TextIOBase):
    """A standard error that passes on lines as they come, but holds errors and the remedies below them."""

    def __init__(self, beyond: Any) -> None:
        self._beyond = beyond
        self._begun = ""
        self.held: list[str] = []

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # click looks whether a stream takes bytes
            raise TypeError("a stream of text")
        *lines, self._begun = f"{self._begun}{text}".split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def _take(self, line: str) -> None:
        if _ERROR in line or (self.held and line.startswith(" ")):
            self.held.append(line)
        elif line:
            self._beyond.write(f"{line}\n")

    def close(self) -> None:
        """Take the line that was not ended."""
        begun, self._begun = self._begun, ""
        if begun:
            self._take(begun)

    def release(self) -> None:
        """Pass on what was held: the verb has succeeded in spite of it."""
        for line in self.held:
            self._beyond.write(f"{line}\n")
