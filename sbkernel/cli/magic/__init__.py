"""`%sb VERB …`: the command line in a cell, with values, job cards, completion, and errors that stop Run All.

%sb and %%sb run a verb in the kernel, on its site. A verb that lists gives a DataFrame or another value; as the last
part of an assignment, the value is taken and the exit status of the verb does not count. Else the value is shown, and
an exit status other than 0 raises. The cell is the standard input of %%sb.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.completer import CompletionContext, context_matcher

from sbkernel.cli.magic.awaiting import with_awaits
from sbkernel.cli.magic.line import Magic


def load(shell: Any) -> None:
    """Give a shell the magic %sb, once."""
    if "sb" in shell.magics_manager.magics["line"]:
        return
    magic = Magic(shell)
    shell.register_magic_function(magic.line, "line", "sb")
    shell.register_magic_function(magic.cell, "cell", "sb")
    shell.input_transformers_post.append(with_awaits)
    shell.Completer.custom_matchers.append(_matcher(shell))


def _matcher(shell: Any) -> Callable[[CompletionContext], Any]:
    """Return what IPython asks at a Tab; what answers is imported when somebody has typed %sb."""

    @context_matcher(identifier="sbkernel", priority=100)  # type: ignore[untyped-decorator]
    def sb_matcher(context: CompletionContext) -> Any:
        if "%sb" not in context.text_until_cursor:
            return {"completions": []}
        from sbkernel.cli.magic.completion import completed

        return completed(shell, context)

    return sb_matcher  # type: ignore[no-any-return]
