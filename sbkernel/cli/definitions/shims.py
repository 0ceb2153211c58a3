"""sb shims: write xCAT's commands as small programs, so that scripts for xCAT run unchanged."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path

import click

from sbkernel.cli.main import VERBS
from sbkernel.errors import SbkernelError
from sbkernel.files import made, write_whole

NAMES = (
    "chdef", "chtab", "copycds", "genimage", "gettab", "imgexport", "imgimport", "lsdef", "makedhcp", "makehosts",
    "mkdef", "mkvm", "nodeadd", "nodech", "nodediscoverdef", "nodediscoverls", "nodegrpch", "nodels", "noderm",
    "nodeset", "nodestat", "packimage", "rcons", "rmdef", "rmimage", "rmvm", "rpower", "rsetboot", "tabch", "tabdump",
    "tabgrep", "tabprune", "tabrestore", "updatenode", "xdcp", "xdsh", "xdshbak",
)  # fmt: skip
"""Verbs that are also commands of xCAT."""
_MARK = "# Written by sb shims; sb shims --remove takes it away."


@click.command("shims")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace other programs of these names.")
@click.option("--remove", is_flag=True, help="Remove the programs that this verb wrote; others stay.")
def command(directory: Path, force: bool, remove: bool) -> None:
    """Write xCAT's commands to DIRECTORY as small programs, each of which runs the verb of its name.

    They use the site that $SBKERNEL_SITE names. Put DIRECTORY first in $PATH.

    \b
    Example:
      sb shims ~/xcat-names && export PATH=~/xcat-names:$PATH
    """
    if remove:
        _remove(directory)
        return
    foreign = [name for name in _names() if _is_there(directory / name) and not _is_ours(directory / name)]
    if foreign and not force:
        raise SbkernelError(
            f"{directory} holds programs that sb did not write: {', '.join(foreign)}",
            hint="Choose another directory, or replace them with --force.",
        )
    made(directory)
    for name in _names():
        write_whole(directory / name, _text(name), mode=0o755)
        click.echo(directory / name)
    click.echo(
        f"{len(_names())} programs written. export PATH={shlex.quote(str(directory.absolute()))}:$PATH", err=True
    )


def _remove(directory: Path) -> None:
    ours = [directory / name for name in NAMES if _is_ours(directory / name)]
    for path in ours:
        path.unlink()
        click.echo(f"{path} removed")
    if not ours:
        raise SbkernelError(f"{directory} holds no programs that sb wrote")


def _names() -> list[str]:
    return [name for name in NAMES if name in VERBS]


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _is_ours(path: Path) -> bool:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return not path.is_symlink() and _MARK in path.read_text()
    return False


def _text(name: str) -> str:
    # -P: do not import a directory sbkernel from where the script runs.
    return f'#!/bin/sh\n{_MARK}\nexec {shlex.quote(sys.executable)} -P -m sbkernel.cli {name} "$@"\n'
