"""The command line: it imports the module of one verb, runs it, and prints its errors.

Only what every verb needs is imported here. A verb that is a Verb runs without click.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sbkernel.cli.verb import OutputError, Verb, echo, module_of
from sbkernel.errors import DefinitionError, SbkernelError

# Task -> verb -> one line of help, in the order of the work. Each verb is in one group, and is the `command` of the
# module of that name in one of the folders here.
VERB_GROUPS = {
    "See what is defined": {
        "lsdef": "list osimages, nodes, groups, networks and settings",
        "nodels": "list nodes, or columns of tables for them",
        "tabdump": "print a table as CSV, or what its columns mean",
        "gettab": "print columns of one row of a table",
        "tabgrep": "name the tables that have a row for a node",
    },
    "Define images, nodes, groups and networks": {
        "mkdef": "make definitions",
        "chdef": "change definitions, or make them",
        "rmdef": "remove definitions",
        "copycds": "copy discs, or name a mirror, and define images of them",
        "clone": "copy an osimage and its lists, to edit the copy",
        "mkvm": "define virtual nodes and start their BMCs",
        "rmvm": "remove virtual nodes",
        "simulate": "simulate thousands of nodes to practise on",
        "passwd": "set the password or ssh keys of root, or a password of BMCs",
    },
    "Define them through xCAT's tables": {
        "nodeadd": "make nodes with columns of tables",
        "nodech": "change columns of nodes, or delete their rows",
        "nodegrpch": "give groups values that all their members inherit",
        "noderm": "remove nodes",
        "chtab": "change, add or remove rows of tables",
        "tabch": "the same as chtab, with the messages of xCAT's tabch",
        "tabrestore": "replace the rows of a table by those of a CSV file",
        "tabprune": "remove old records of a log, or all rows of a table",
    },
    "Choose the packages of an image": {
        "pkg": "add, remove and list packages, or see what they would bring",
        "lock": "write down exactly which packages the lists mean now",
        "lint": "say what is wrong or odd in the list files of an image",
    },
    "Build": {
        "genimage": "build the root tree, kernel and initrd of an osimage",
        "imgcapture": "make an image of a running node",
        "shell": "try changes in a copy of a root tree, keep them as a script",
        "packimage": "pack the root tree and publish it as a new version",
        "rmimage": "remove what was built of an osimage, not what was published",
    },
    "Compare versions": {
        "images": "list packed images, versions, and the nodes that boot them",
        "diff": "show which packages differ between images, versions or nodes",
        "verify-image": "say whether a version is as published, and who signed it",
        "sbom": "write the bill of materials of an image: CycloneDX or SPDX",
    },
    "Move images between sites": {
        "export-image": "write a packed image, its definition and lists as one file",
        "import-image": "take over such a file, or a container that holds one",
        "imgexport": "write a packed image as a bundle that xCAT reads",
        "imgimport": "take over a bundle of xCAT's imgexport",
    },
    "Choose what nodes boot": {
        "update": "build what is new, test boot it, let nodes boot it",
        "testboot": "boot a version on a virtual node, and check it there",
        "promote": "make the newest version of an image the one that nodes boot",
        "rollback": "go back to an earlier version of an image",
        "rollout": "bring a version to nodes in waves that go back by themselves",
        "nodeset": "set what nodes boot next, or show it",
        "nodediscoverls": "list machines that asked how to boot and are no nodes",
        "nodediscoverdef": "make a node of such a machine",
        "makedhcp": "write what DHCP is to know of networks and nodes",
        "makehosts": "write nodes into /etc/hosts, or another hosts file",
        "rsetboot": "set the device that nodes boot from next, or show it",
    },
    "Power and console": {
        "rpower": "power nodes on or off, reset them, or show their state",
        "rcons": "open the serial console of a node",
        "rinv": "show what nodes are made of",
        "rvitals": "show what the sensors of nodes say",
        "reventlog": "show or clear the event logs of nodes",
        "rbeacon": "switch the lights that show where nodes are",
        "hold": "let nobody power or reconfigure nodes, and list holds",
        "release": "end holds",
    },
    "Work on running nodes": {
        "updatenode": "send files, run postscripts or install packages on them",
        "xdsh": "run a command on many nodes at once",
        "xdcp": "copy files to many nodes at once, or from them",
        "xdshbak": "show what xdsh printed, node by node",
    },
    "See what happened": {
        "whatruns": "show which version nodes run, who made it, and the record",
        "nodestat": "show which nodes answer, and how far they have booted",
        "stuck": "list nodes that are not well: where they stand, and why",
        "jobs": "list jobs, such as builds, or cancel one",
        "attach": "show a job again: its progress, then its result",
        "history": "list who changed which definitions, and when",
        "undo": "put definitions back as they were before a change",
    },
    "Notebooks and records": {
        "demo": "build an image and boot it on a virtual node, in one command",
        "lab": "open JupyterLab on the notebooks",
        "run": "run a notebook through papermill and keep the record",
        "records": "list, compare, repeat, export and remove records of runs",
        "docs": "write this documentation as HTML, to read without network",
        "schedule": "run notebooks at certain times, and tell of failures",
    },
    "The site and its service": {
        "service": "start, stop or show the service of the site",
        "import": "take over definitions of xCAT, Warewulf or another site",
        "export": "write all definitions as a stanza file",
        "keys": "make the key that signs images, or believe those of others",
        "gc": "remove versions, cached things, logs and jobs not needed",
        "cache": "show what lies in the cache, or remove the oldest of it",
        "shims": "write xCAT's command names as programs, for scripts",
        "bench": "run benchmarks: our time, a peer's, the ratio",
    },
}
VERBS = {verb: line for verbs in VERB_GROUPS.values() for verb, line in verbs.items()}


_FULL = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one verb and exit with its status; the only place that prints errors."""
    _open_closed_streams()
    _keep_bytes()
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        _interrupted()
    except BrokenPipeError:
        # The reader, such as head or less, has ended.
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
    except RuntimeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps one that comes while a class is made
            _interrupted()
        raise
    # Else the interpreter looks through all modules for circles before it ends, which is a tenth of a short verb.
    gc.freeze()
    sys.exit(status)


def _interrupted() -> NoReturn:
    echo("Interrupted.", err=True)
    sys.exit(130)


def _abandon_stdout() -> None:
    """Redirect stdout, so that the interpreter does not fail again when it flushes what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Open /dev/null as stdin, stdout or stderr if one is closed, so that no other file gets its number."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            continue
        os.close(number)
        sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
        sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
        sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _keep_bytes() -> None:
    """Pass on bytes that are not UTF-8, which file names and old stanza files contain."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")


def _run(words: list[str]) -> int:
    site, rest = _site(words)
    if site == "":
        raise DefinitionError("--site names no directory: it is empty", hint="leave it out for the default")
    if rest and rest[0] in VERBS:
        command = module_of(rest[0]).command
        if isinstance(command, Verb):
            return command.run(site, rest[1:])
    from sbkernel.cli import group

    return group.run(VERB_GROUPS, words)


def _site(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the directory of --site if it comes first, and the words after it."""
    if words and words[0].startswith("--site="):
        return words[0].partition("=")[2], words[1:]
    if len(words) > 1 and words[0] == "--site":
        return words[1], words[2:]
    return None, words
