"""Our scripts that work on trees: files below templates/ which the Python of this host runs, with its own library."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sbkernel import resources
from sbkernel.jobs.run import run

_IMAGE = resources.templates() / "image"


class Call(NamedTuple):
    """A script, its arguments, and what it reads from standard input."""

    script: Path
    words: tuple[str | os.PathLike[str], ...] = ()
    input: str = ""


def of_image(name: str) -> Path:
    """Return the script of that name which serves every family."""
    return _IMAGE / f"{name}.py"


def argv(script: Path, *words: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
    """Return the argv of a script. Python takes half as long to begin when it looks for no further packages (-S)."""
    return [sys.executable, "-I", "-S", script, *words]


def run_in_turn(calls: Iterable[Call]) -> None:
    """Run scripts one after the other in one namespace of their own, all from one start of Python.

    CommandError when one fails; the next ones are not run then.
    """
    asked = [[str(script), [os.fspath(word) for word in words], text] for script, words, text in calls]
    run(argv(of_image("inturn")), input=json.dumps(asked), isolated=True)
