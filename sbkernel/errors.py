"""Errors of sbkernel.

SbkernelError                 message and hint; the command line prints both and exits
 ├─ DefinitionError           a definition or an attribute is wrong (also ValueError)
 ├─ NotFoundError             nothing has that name (also LookupError)
 ├─ ListFileError             a list file is wrong; the message starts with file:line
 ├─ ToolMissingError          a program that we need is not installed
 ├─ CommandError              a program that we ran failed
 ├─ BuildError                an image could not be built or packed
 ├─ LockedError               another process works on the same directory
 ├─ JobError                  a job failed, or could not be given its order
 │   └─ JobCancelledError     somebody cancelled it
 ├─ NodeError                 one node could not be reached or controlled; carries the node
 ├─ ServiceError              the service does not run or does not answer
 ├─ PolicyError               a change that a policy forbids
 └─ RecordError               a notebook run could not be started or recorded

Nothing below cli/ prints or exits: papermill takes SystemExit with an empty value for success.
"""

from __future__ import annotations


class SbkernelError(Exception):
    """Something went wrong that a user can understand; `hint` says what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class DefinitionError(SbkernelError, ValueError):
    """A definition, an attribute or its value is wrong."""


class NotFoundError(SbkernelError, LookupError):
    """Nothing has that name."""


class ListFileError(SbkernelError, ValueError):
    """A list file is wrong; the message starts with `file:line`."""

    def __init__(self, file: object, line: int, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{file}:{line}: {message}", hint=hint)
        self.file = str(file)
        self.line = line


class ToolMissingError(SbkernelError):
    """A program that we need is not installed."""


class CommandError(SbkernelError):
    """A program that we ran failed; `tail` is the end of what it wrote."""

    def __init__(self, argv: list[str], returncode: int, tail: str, *, hint: str | None = None) -> None:
        how = f"exit status {returncode}" if returncode >= 0 else f"signal {-returncode}"
        super().__init__(f"{argv[0]} failed with {how}" + (f":\n{tail}" if tail else ""), hint=hint)
        self.argv = argv
        self.returncode = returncode
        self.tail = tail


class BuildError(SbkernelError):
    """An image could not be built or packed."""


class LockedError(SbkernelError):
    """Another process works on the same directory."""


class JobError(SbkernelError):
    """A job failed, or could not be given its order."""


class JobCancelledError(JobError):
    """Somebody cancelled the job."""


class NodeError(SbkernelError):
    """One node could not be reached or controlled."""

    def __init__(self, node: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{node}: {message}", hint=hint)
        self.node = node


class ServiceError(SbkernelError):
    """The service does not run or does not answer."""


class PolicyError(SbkernelError):
    """What changed breaks a policy; the message names every rule and the packages that break it."""


class RecordError(SbkernelError):
    """A notebook run could not be started or recorded."""
