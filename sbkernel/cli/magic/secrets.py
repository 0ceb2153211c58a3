"""Passwords do not belong in a line: IPython keeps every line in a file, and the notebook keeps the cell."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sbkernel.definitions.attributes import TYPES, attributes_of
from sbkernel.definitions.secret import REFERENCES
from sbkernel.errors import DefinitionError

_FORGOTTEN = "# a line with a password was refused, and is not kept"


def refuse_secrets(shell: Any, words: Sequence[str], body: str | None) -> None:
    """Raise DefinitionError, without saying it, when a line or a cell holds a password; the history forgets the cell.

    `words` are those that were typed: a variable or a reference such as env:NAME is no password.
    """
    verb = next((word for word in words if not word.startswith(("-", "+"))), "")
    if verb == "passwd":
        where = [after for word, after in pairwise(words) if word == "--from"]
        named = all(one.startswith((*REFERENCES, "$", "{")) for one in where)
        typed = bool(body and "--stdin" in words) or len(_operands(words)) > 2 or not named
    else:
        typed = any(map(_is_secret, [*words, *(line.strip() for line in (body or "").split("\n"))]))
    if typed:
        forget(shell)
        raise DefinitionError(
            "a password stands in the cell, where the notebook and the history would keep it",
            hint="take it out; %sb passwd KEY asks for it, --from env:NAME, file:PATH or keyring:NAME says where it is",
        )


def _operands(words: Sequence[str]) -> list[str]:
    """Return the words of passwd that are neither options nor their values."""
    valued = ("-u", "--username", "--from", "--authorized-keys", "--site")
    return [
        word for number, word in enumerate(words)
        if not word.startswith(("-", "+")) and words[max(0, number - 1)] not in valued
    ]  # fmt: skip


def _is_secret(word: str) -> bool:
    key, equals, value = word.partition("=")
    if not equals or key.rpartition(".")[2].strip().lower() not in _secret_names():
        return False
    value = value.lstrip("=~ ").strip("'\"")
    return bool(value) and value != "***" and not value.startswith(("$", "{", *REFERENCES))


@lru_cache(maxsize=1)
def _secret_names() -> frozenset[str]:
    named = {name for objtype in TYPES for name, one in attributes_of(objtype).items() if one.secret}
    return frozenset({*named, "password"})


def forget(shell: Any) -> None:
    """Take the running cell out of the history of a shell: its lists, its variables, its file."""
    kept, number = getattr(shell, "history_manager", None), shell.execution_count - 1
    if kept is None or "sb" not in kept.input_hist_raw[-1]:  # the cell was run without a history
        return
    kept.input_hist_raw[-1] = kept.input_hist_parsed[-1] = kept._i00 = _FORGOTTEN
    shell.push({f"_i{number}": _FORGOTTEN}, interactive=False)
    with contextlib.suppress(AttributeError):  # a shell that keeps no file
        kept.writeout_cache()
        kept.db.execute("PRAGMA secure_delete = ON")
        with kept.db:
            kept.db.execute(
                "UPDATE history SET source = ?, source_raw = ? WHERE session = ? AND line = ?",
                (_FORGOTTEN, _FORGOTTEN, kept.session_number, number),
            )
