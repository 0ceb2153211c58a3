"""%sb and %%sb: read the line, run the verb, show or return its value, raise what is wrong."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand
from IPython.display import display

from sbkernel.cli.magic.awaiting import AWAIT, SHOW, words_of
from sbkernel.cli.magic.secrets import refuse_secrets
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.site import Site

if TYPE_CHECKING:  # what runs a verb is imported when the first one is run: kernels start without it
    from sbkernel.cli.magic.verbs import Call, Ended

_REFUSED = {
    "lab": "this is JupyterLab already",
    "rcons": "wb.ConsoleView(site, NODE) shows a console in a cell; sb rcons works in a terminal of JupyterLab",
    "shell": "it needs a terminal; sb shell works in one of JupyterLab",
}
_SHELL = ("|", ">", ">>", "<", "<<", "&", "&&", "||", ";")
_FLAGS = (AWAIT, SHOW)


class Magic:
    """The magic of one shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell

    @no_var_expand
    def line(self, line: str) -> Any:
        """Run a verb of the command line: %sb VERB [WORD]..., or NAME = %sb VERB ...; %sb -h lists the verbs."""
        refuse_secrets(self.shell, words_of(line), None)
        return self._run(self.shell.var_expand(line, 2), "")

    @no_var_expand
    def cell(self, line: str, cell: str) -> Any:
        """Run a verb of the command line with the cell as its standard input, for example %%sb mkdef -z."""
        refuse_secrets(self.shell, words_of(line), cell)
        return self._run(self.shell.var_expand(line, 2), cell)

    def _run(self, line: str, cell: str) -> Any:
        try:
            words = shlex.split(line)
        except ValueError as error:
            hint = "a quote that belongs to a word is written \\' or \"it's\""
            raise DefinitionError(f"%sb: {str(error).lower()}", hint=hint) from None
        if sign := next((word for word in words if word in _SHELL), ""):
            hint = "NAME = %sb VERB ... takes the value; %%sb VERB reads the rest of the cell"
            raise DefinitionError(f"%sb: {sign} means something to a shell, and none runs here", hint=hint)
        flags = [word for word in words[:2] if word in _FLAGS]
        words = words[len(flags) :]
        named = next((word for word in words if not word.startswith("-")), "")
        if named in _REFUSED:
            raise SbkernelError(f"%sb {named} does not run in a cell", hint=_REFUSED[named])
        from sbkernel.cli.magic.verbs import Call, run
        from sbkernel.cli.magic.watching import blocking

        words = words or ["-h"]
        call = Call(words if words[:1] == ["--site"] else [*self._site(), *words], cell)
        if AWAIT in flags:
            return _awaited(call, is_shown=SHOW in flags)
        return _answered(blocking(lambda: run(call)), is_shown=SHOW in flags)

    def _site(self) -> list[str]:
        """Return the site that the notebook has opened as `site`, if it has; else the verb finds its own."""
        site = self.shell.user_ns.get("site")
        return ["--site", str(site.root)] if isinstance(site, Site) else []


def _show(value: Any) -> None:
    """Display a value; of a DataFrame no text and no column is cut, as on the command line."""
    from pandas import option_context

    with option_context("display.max_colwidth", None, "display.max_columns", None, "display.max_rows", 400):
        display(value)  # type: ignore[no-untyped-call]


async def _awaited(call: Call, *, is_shown: bool) -> Any:
    from sbkernel.cli.magic.verbs import run
    from sbkernel.cli.magic.watching import awaited

    return _answered(await awaited(lambda: run(call)), is_shown=is_shown)


def _answered(ended: Ended, *, is_shown: bool) -> Any:
    if is_shown and ended.value is not None:
        _show(ended.value)
    if ended.status and (is_shown or ended.value is None):
        raise ended.error
    return None if is_shown else ended.value
