"""Where a line of a synclist puts what: one thing to lay after the other. Pure.

It goes where xCAT puts it on a node (DSHCLI.pm, parse_rsync_input_file_on_MN), also where its packimage differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from sbkernel.images.sync.sources import DIRECTORY, FILE, Source
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.syncline import SyncItem

Found = Mapping[str, tuple[Source, ...]]
"""What each source that is written in a synclist names on this host; nothing for a script that is not there."""


@dataclass(frozen=True)
class Laying:
    """One thing to lay: a file or directory, a file to append to another, or one to merge into it.

    It goes to the path `to` in the tree; if `name` is given and there is a directory, under that name into it.
    """

    how: str
    source: Source
    to: str
    item: SyncItem
    name: str = ""


def copies(item: SyncItem, found: Found) -> Iterator[Laying]:
    """Yield what a line copies, as rsync with the options that xCAT gives it would."""
    named = [(word, one) for word in item.sources for one in found[word]]
    into = item.destination.endswith("/") or len(named) > 1
    for word, source in named:
        if word.endswith("/") and source.kind == DIRECTORY:
            yield from _whole(item, source, item.destination)
        elif into:
            yield from _whole(item, source, _below(item.destination, source.name))
        elif source.name == PurePosixPath(item.destination).name:
            yield from _whole(item, source, item.destination)
        elif source.kind == DIRECTORY:
            yield from _whole(item, source, _below(item.destination, source.name))
        else:
            yield Laying(source.kind, source, item.destination, item, source.name)


def _whole(item: SyncItem, source: Source, to: str) -> Iterator[Laying]:
    """Yield a source and all that is below it, a directory before its content."""
    for one in source.all():
        path = to.rstrip("/") + one.path.removeprefix(source.path)
        yield Laying(one.kind, one, path or "/", item)


def added(item: SyncItem, found: Found) -> Iterator[Laying]:
    """Yield what a line of a clause adds to a file of the tree."""
    for source in (one for word in item.sources for one in found[word]):
        if source.kind != FILE:
            raise item.line.error(f"{item.clause}: takes files, and {shown(source.path)} is none")
        yield Laying(item.clause.lower(), source, item.destination, item)


def _below(directory: str, name: str) -> str:
    return f"{directory.rstrip('/')}/{name}"
