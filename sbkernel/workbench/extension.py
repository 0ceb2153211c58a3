"""The IPython extension. `import sbkernel` loads it in any kernel; the kernel `sbkernel` loads it at its start.

Our values are shown as HTML at the end of a cell. Our errors show their message and hint in place of a traceback
through our code; `%debug` still works.
"""

from __future__ import annotations

from typing import Any

from sbkernel.errors import SbkernelError
from sbkernel.workbench import displays

_RED, _END = "\x1b[31m", "\x1b[0m"


def load_ipython_extension(shell: Any) -> None:
    """Teach the shell to show our values and errors. Loading it twice does no harm."""
    displays.register(shell)
    setattr(SbkernelError, "_render_traceback_", _traceback)  # noqa: B010 - IPython's name, unknown to the class


def _traceback(error: SbkernelError) -> list[str]:
    first, *more = str(error).split("\n")
    return [f"{_RED}{type(error).__name__}{_END}: {first}", *more]
