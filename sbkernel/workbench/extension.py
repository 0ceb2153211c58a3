"""The IPython extension that `import sbkernel` loads in any kernel, and the kernel of sbkernel at its start.

Values of the rooms show as HTML at the end of a cell, and an error that is meant for people shows its message and
hint instead of a traceback through our code; `%debug` still leads there.
"""

from __future__ import annotations

from typing import Any

from sbkernel.errors import SbkernelError
from sbkernel.workbench import displays

_RED, _END = "\x1b[31m", "\x1b[0m"


def load_ipython_extension(shell: Any) -> None:
    """Teach the shell how to show our values and errors; loading it twice is harmless."""
    displays.register(shell)
    setattr(SbkernelError, "_render_traceback_", _traceback)  # noqa: B010 - IPython's name, unknown to the class


def _traceback(error: SbkernelError) -> list[str]:
    first, *more = str(error).split("\n")
    return [f"{_RED}{type(error).__name__}{_END}: {first}", *more]
