"""Bring the chosen paths of a running root into a tree: packed there, unpacked here as they come, kept nowhere else."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sbkernel.errors import CommandError, NodeError
from sbkernel.files import made
from sbkernel.images.capture.chosen import Chosen
from sbkernel.images.capture.source import Source, Stream
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.units import shortened, size

# Attributes that say who may do what come along; labels of SELinux and sums of IMA are the node's own.
_ATTRIBUTES = "--xattrs --xattrs-include=security.capability --xattrs-include='user.*' --acls"
PACK = (
    "cd / && LC_ALL=C exec tar --create --file=- --no-recursion --null --files-from=- --format=posix --sparse"
    f" --pax-option=delete=atime,delete=ctime --numeric-owner {_ATTRIBUTES}"
)
"""What the node runs; the names come by its standard input."""
_UNPACK = (
    "tar", "--extract", "--verbose", "--file=-", "--preserve-permissions", "--same-owner", "--numeric-owner",
    "--xattrs", "--xattrs-include=*", "--acls",
)  # fmt: skip
# What tar says here when the other end has stopped, and there of what is gone or was written to meanwhile.
_BROKE_OFF = re.compile(r"Unexpected EOF|This does not look like a tar archive|Unexpected end of archive")
_FAULT = re.compile(r"(/\S+/)?tar: ")  # the names of what it unpacks begin with ./
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_SHOWN, _EVERY = 10, 100


def receive(source: Source, chosen: Chosen, tree: Path, report: Report) -> None:
    """Fill `tree` with what was chosen; progress is in bytes.

    What vanishes on the node meanwhile, and what is written to while it is read, is logged. Raises NodeError when the
    node fails or is lost, CommandError when the tree cannot be written; the tree is not whole then.
    """
    made(tree)
    with _names(chosen, tree.parent) as names, source.stream(PACK, names) as stream:
        failed = _unpack(stream, chosen, tree, report)
        if failed and not _BROKE_OFF.search(failed.tail):
            raise failed
        said = stream.finish()
    # What was not asked for may come all the same: a device here would be one of this host.
    run(["find", tree, "-xdev", "!", "-type", "f", "!", "-type", "d", "!", "-type", "l", "-delete"], isolated=True)
    if failed:
        raise NodeError(source.name, "what it sends broke off", hint="try again")
    directories = {one.path for one in chosen.entries if one.kind == "d"}
    told = [line for line in said if not directories.intersection(line.split(": ")[1:2])]
    for line in shortened(told, _SHOWN):
        report.log(f"{source.name}: {line}")


@contextmanager
def _names(chosen: Chosen, place: Path) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(dir=place, prefix=".names-") as file:
        file.write(chosen.names)
        file.flush()
        yield Path(file.name)


def _unpack(stream: Stream, chosen: Chosen, tree: Path, report: Report) -> CommandError | None:
    """Unpack what comes; return why that failed instead of raising it: the other end may know better."""
    sizes = {one.path: one.size for one in chosen.files}
    faults: list[str] = []
    files = bytes_ = lines = 0

    def told(line: str) -> None:
        nonlocal files, bytes_, lines
        if _FAULT.match(line):
            faults.append(line)
            if _FULL.search(line):  # tar would go on with all the rest
                raise CommandError([*_UNPACK], 1, line)
            return
        lines += 1
        if (found := sizes.pop(line, None)) is not None:
            files, bytes_ = files + 1, bytes_ + found
        if lines % _EVERY == 0:
            report.progress(bytes_, chosen.size, f"{files} of {len(chosen.files)} files, {size(bytes_)}")

    try:
        run([*_UNPACK, f"--directory={tree}"], stdin=stream.output, on_line=told, isolated=True)
    except CommandError as error:
        return CommandError(error.argv, error.returncode, "\n".join(shortened(faults, _SHOWN)))
    report.progress(chosen.size, chosen.size, f"{len(chosen.files)} files, {size(chosen.size)}")
    return None
