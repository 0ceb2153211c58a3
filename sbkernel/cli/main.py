"""The command line: one lazily imported module a verb, errors printed in one place.

Only what every verb needs is imported here; verbs that are a Verb run without the framework of the others.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from sbkernel.cli.verb import OutputError, Verb, echo
from sbkernel.errors import SbkernelError

# verb -> one line of help; the verb's command is `command` in the module sbkernel.cli.<verb>
VERBS = {
    "attach": "show a job again: its progress, then its result",
    "bench": "run benchmarks: our time, a peer's, the ratio",
    "chdef": "change or create definitions",
    "chtab": "change, add or remove rows of tables",
    "clone": "make an own, editable copy of an osimage",
    "demo": "the main job in one command, on a virtual node",
    "diff": "show which packages changed, by a policy if wanted, or many side by side",
    "export": "write all definitions as a stanza file",
    "genimage": "build the root tree, kernel and initrd of an osimage",
    "gettab": "print columns of a row of a table",
    "history": "list who changed which definitions, and when",
    "import": "take over definitions of xCAT, Warewulf or another site",
    "jobs": "list jobs, or cancel one",
    "lab": "open JupyterLab on the notebooks",
    "lint": "say what is wrong or odd in the list files of an osimage",
    "lsdef": "list definitions",
    "mkdef": "make definitions",
    "mkvm": "define a virtual node and start its BMC",
    "nodeadd": "make nodes with columns of tables",
    "nodech": "change columns of nodes, or delete their rows",
    "nodegrpch": "give groups values that all their members inherit",
    "nodels": "list nodes, or columns of tables for them",
    "noderm": "remove nodes",
    "nodeset": "set what nodes boot next",
    "nodestat": "show how nodes booted: their last stage or the timeline",
    "packimage": "pack the root tree and publish it in the catalog",
    "passwd": "set a password or key for root of the nodes, or for BMCs",
    "pkg": "add, remove and list packages of an osimage, or see what they bring",
    "rcons": "open the serial console of a node",
    "rmdef": "remove definitions",
    "rmvm": "remove a virtual node",
    "rpower": "power nodes on, off, reset, or ask",
    "rsetboot": "set the boot device for the next boot",
    "run": "run a notebook through papermill and keep the record",
    "sbom": "write the bill of materials of an image: CycloneDX or SPDX",
    "service": "start, stop or show the service of the site",
    "shims": "write xCAT's command names as programs, for scripts",
    "tabch": "change, add or remove rows of tables, as chtab",
    "tabdump": "print a table as CSV",
    "tabgrep": "name the tables that have a row for a node",
    "tabprune": "remove old records of a log, or all rows of a table",
    "tabrestore": "replace the rows of a table by those of a CSV file",
    "undo": "put definitions back as they were before a change",
}


_FULL = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one verb and exit with its status; the only place that prints errors."""
    _open_closed_streams()
    _keep_bytes()
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone.
        _abandon_stdout()
        sys.exit(141)
    except SbkernelError as error:
        echo(f"Error: {error}", err=True)
        sys.exit(1)
    except OutputError as error:
        _abandon_stdout()
        echo(f"Error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None and error.errno not in _FULL:
            raise
        place = "" if error.filename is None else f"{error.filename}: "
        echo(f"Error: {place}{error.strerror}", err=True)
        sys.exit(1)
    sys.exit(status)


def _abandon_stdout() -> None:
    """Point stdout elsewhere, so that the interpreter's flush of what could not be written is silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Give a verb that was started without stdin, stdout or stderr empty ones: no file shall get their numbers."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            continue
        os.close(number)
        sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
        sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
        sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _keep_bytes() -> None:
    """Let bytes that are no UTF-8 through, as file names and old stanza files have them."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")


def _run(words: list[str]) -> int:
    site, rest = _site(words)
    if rest and rest[0] in VERBS:
        command = importlib.import_module(f"sbkernel.cli.{rest[0]}").command
        if isinstance(command, Verb):
            return command.run(site, rest[1:])
    from sbkernel.cli import group

    return group.run(VERBS, words)


def _site(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the directory of --site when it comes first, and the words behind it."""
    if words and words[0].startswith("--site="):
        return words[0].partition("=")[2], words[1:]
    if len(words) > 1 and words[0] == "--site":
        return words[1], words[2:]
    return None, words
